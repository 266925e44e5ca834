"""Profiles (contract section 1.16)."""
