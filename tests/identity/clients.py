"""Clients as tests want them and as a provider holds them."""

from idp_providers.contract import ClientClaims, ClientSpec, ClientState, IdentityProvider


async def held(provider: IdentityProvider, client_id: str) -> ClientState:
    """What the provider holds about a client that is there."""
    found = await provider.find_client(client_id)
    assert found is not None, client_id
    return found


def claims_of(spec: ClientSpec) -> ClientClaims:
    """The claims of an application's client."""
    assert spec.claims is not None, spec
    return spec.claims
