"""Clients as tests want them and as a provider holds them."""

from dataclasses import replace
from uuid import uuid4

from idp_providers.contract import ClientClaims, ClientSpec, ClientState, IdentityProvider
from idp_providers.testing import make_managed_spec


async def held(provider: IdentityProvider, client_id: str) -> ClientState:
    """What the provider holds about a client that is there."""
    found = await provider.find_client(client_id)
    assert found is not None, client_id
    return found


def claims_of(spec: ClientSpec) -> ClientClaims:
    """The claims of an application's client."""
    assert spec.claims is not None, spec
    return spec.claims


def with_claim_set(name: str) -> ClientSpec:
    """A new client of an application with that claim set."""
    client_id = str(uuid4())
    return replace(make_managed_spec(), client_id=client_id, claims=ClientClaims(scopes=(name,)), scopes=(name,))
