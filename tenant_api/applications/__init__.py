"""Applications of vendors (contract section 1.11)."""
