"""Data stores (contract section 1.13)."""
