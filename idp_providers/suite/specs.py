"""Clients and secrets for tests."""

import secrets
import string
from dataclasses import replace
from typing import Any
from uuid import uuid4

from idp_providers.contract import ClientClaims, ClientSecret, ClientSpec

ROLE = "cms-client"


def make_secret() -> ClientSecret:
    """A generated secret of the contract's length."""
    return ClientSecret(value="aA1-" + "".join(secrets.choice(string.ascii_letters) for _ in range(28)))


def make_spec(**changes: Any) -> ClientSpec:
    """A client of the service itself with an id of its own."""
    spec = ClientSpec(client_id=str(uuid4()), display_name="Contract suite", role=ROLE, scopes=("full", "readonly"))
    return replace(spec, **changes)


def make_managed_spec() -> ClientSpec:
    """A client of an application."""
    claims = ClientClaims(
        scopes=("SISVendor",),
        namespace_prefixes=("uri://ed-fi.org", "uri://acme.org"),
        education_organization_ids=(255901, 19255901),
        data_store_ids=(1, 2),
        display_name="Application",
    )
    return make_spec(role="dms-client", scopes=claims.scopes, claims=claims)
