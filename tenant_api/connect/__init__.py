"""Tokens, registration and discovery (contract sections 1.19 and 1.20)."""
