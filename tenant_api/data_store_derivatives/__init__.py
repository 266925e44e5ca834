"""Derivatives of data stores: replicas and snapshots (contract sections 1.15 and 6.6)."""
