"""The built-in issuer: clients, keys and revocations in the service's own database."""
