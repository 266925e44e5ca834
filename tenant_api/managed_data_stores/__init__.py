"""Managed data stores: databases that we create, verify, watch and remove (`/v3/dataStores/manage`)."""
