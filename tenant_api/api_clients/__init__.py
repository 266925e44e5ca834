"""API clients, whose key and secret are an application's credentials (contract section 1.12)."""
