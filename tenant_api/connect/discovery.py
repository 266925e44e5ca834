"""What data planes and OAuth clients learn about the issuer of tokens, whoever it is (contract section 1.20)."""

from collections.abc import Mapping, Sequence
from typing import Any

from idp_providers.errors import IdpError
from tenant_api.connect.schemas import IssuerStatus, KeySet, ProviderMetadata
from tenant_api.web.gateway import failure_of
from tenant_api.web.location import origin
from tenant_api.web.state import Connection, Runtime, runtime_of

GRANT_TYPES = ("client_credentials", "authorization_code", "refresh_token")
SCOPES = ("openid", "profile", "email", "api", "edfi_admin_api/full_access")
"""Lists that clients of this contract may read. Of the grant types only the first is offered, of the scopes only the
last; the scopes of readers are offered and not listed."""


async def key_set(runtime: Runtime) -> KeySet:
    """Every key that may have signed a valid token, or soon will; BadGatewayError if another issuer does not say."""
    return KeySet(keys=list(await _keys(runtime)))


async def provider_metadata(connection: Connection) -> ProviderMetadata:
    """Addresses as the caller reaches us; the issuer as its tokens name it. BadGatewayError as for `key_set`."""
    runtime = runtime_of(connection)
    base = _own_address(connection)
    return ProviderMetadata(
        issuer=runtime.idp.issuer,
        token_endpoint=f"{base}/connect/token",
        registration_endpoint=f"{base}/connect/register",
        introspection_endpoint=f"{base}/connect/introspect",
        revocation_endpoint=f"{base}/connect/revoke",
        jwks_uri=f"{base}/.well-known/jwks.json",
        grant_types_supported=list(GRANT_TYPES),
        response_types_supported=["token"],
        scopes_supported=list(SCOPES),
        token_endpoint_auth_methods_supported=["client_secret_post", "client_secret_basic"],
        introspection_endpoint_auth_methods_supported=["client_secret_basic"],
        revocation_endpoint_auth_methods_supported=["client_secret_basic"],
        id_token_signing_alg_values_supported=sorted({key["alg"] for key in await _keys(runtime)}),
        subject_types_supported=["public"],
    )


def issuer_status(connection: Connection) -> IssuerStatus:
    """The issuer's addresses as they follow from its name; of another issuer than our own only one does.

    The others are ours then, which lead to its tokens and keys.
    """
    idp = runtime_of(connection).idp
    authority = idp.issuer
    issuer = authority.rstrip("/")
    base = issuer if idp.capabilities.transactional else _own_address(connection)
    return IssuerStatus(
        authority=authority,
        discovery_endpoint=f"{issuer}/.well-known/openid-configuration",
        jwks_endpoint=f"{base}/.well-known/jwks.json",
        token_endpoint=f"{base}/connect/token",
    )


def _own_address(connection: Connection) -> str:
    """As the caller reaches us, always below the configured path base."""
    return origin(connection) + runtime_of(connection).settings.http.path_base


async def _keys(runtime: Runtime) -> Sequence[Mapping[str, Any]]:
    try:
        return await runtime.idp.keys()
    except IdpError as error:
        raise failure_of(runtime.idp, error) from None
