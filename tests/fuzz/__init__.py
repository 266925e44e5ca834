"""Cases drawn from the committed description, against a running service."""
