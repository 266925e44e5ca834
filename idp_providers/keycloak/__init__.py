"""Keycloak: clients in a realm of a Keycloak server, made and changed through its administration API."""
