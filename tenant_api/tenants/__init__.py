"""Tenants (contract section 1.9)."""
