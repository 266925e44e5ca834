"""What the chosen identity provider can do about credentials, and what is said where it cannot."""

from idp_providers.authorization_server import AuthorizationServer, authorization_server
from idp_providers.contract import IdentityProvider
from idp_providers.secret_keeping import SecretKeeper, secret_keeper
from tenant_api.kernel.errors import UnsupportedError


def keeper_of(idp: IdentityProvider, *, dates: bool = False) -> SecretKeeper:
    """The provider as a keeper of several secrets, with dates if wanted; UnsupportedError.

    It must also write in the request's own transaction: a secret that nobody was shown would be lost otherwise.
    """
    keeper = secret_keeper(idp)
    if keeper is None or not idp.capabilities.transactional:
        raise UnsupportedError(
            f"The identity provider '{idp.name}' keeps one secret per API client. "
            "Replace it with PUT /v3/apiClients/{id}/reset-credential."
        )
    if dates and not idp.capabilities.expiring_secrets:
        raise UnsupportedError(
            f"The identity provider '{idp.name}' keeps no dates of secrets. "
            "Leave out 'notBefore', 'expiresAt' and 'overlapSeconds'."
        )
    return keeper


def key_server_of(idp: IdentityProvider) -> AuthorizationServer:
    """The provider as one that verifies assertions of clients; UnsupportedError."""
    server = authorization_server(idp)
    if server is None or not idp.capabilities.transactional:
        raise UnsupportedError(f"The identity provider '{idp.name}' keeps no public keys of API clients here.")
    return server
