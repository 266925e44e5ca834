"""Vendors (contract section 1.10)."""
