"""Claim sets, resource claims and the authorization metadata made of them (contract sections 1.17, 1.18 and 4)."""
