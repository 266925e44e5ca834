"""The demonstration: the whole story, told through the HTTP API of a real service."""
