"""Databases on a PostgreSQL server: cloned from sealed templates, owned by proof, never by name."""
