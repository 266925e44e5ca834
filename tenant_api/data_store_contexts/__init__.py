"""Contexts of data stores: the routes that lead to them (contract section 1.14)."""
