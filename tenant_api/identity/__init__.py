"""Keeps clients at an identity provider outside our database in line with our rows (ADR 17)."""
