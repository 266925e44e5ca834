"""What data planes and OAuth clients learn about the service's own issuer (contract section 1.20)."""

from tenant_api.connect.schemas import IssuerStatus, KeySet, ProviderMetadata
from tenant_api.connect.tokens import CLIENT_CREDENTIALS
from tenant_api.web.location import origin
from tenant_api.web.operation import AUTH_METADATA_ACCESS, FULL_ACCESS, READ_ONLY_ACCESS
from tenant_api.web.state import Connection, Runtime, runtime_of


async def key_set(runtime: Runtime) -> KeySet:
    """Every key that may have signed a valid token, or soon will."""
    return KeySet(keys=list(await runtime.idp.keys()))


async def provider_metadata(connection: Connection) -> ProviderMetadata:
    """Addresses as the caller reaches us, always below the configured path base; the issuer as it is configured."""
    runtime = runtime_of(connection)
    base = origin(connection) + runtime.settings.http.path_base
    return ProviderMetadata(
        issuer=runtime.idp.issuer,
        token_endpoint=f"{base}/connect/token",
        registration_endpoint=f"{base}/connect/register",
        introspection_endpoint=f"{base}/connect/introspect",
        revocation_endpoint=f"{base}/connect/revoke",
        jwks_uri=f"{base}/.well-known/jwks.json",
        grant_types_supported=[CLIENT_CREDENTIALS],
        response_types_supported=["token"],
        scopes_supported=[FULL_ACCESS, READ_ONLY_ACCESS, AUTH_METADATA_ACCESS],
        token_endpoint_auth_methods_supported=["client_secret_post", "client_secret_basic"],
        introspection_endpoint_auth_methods_supported=["client_secret_basic"],
        revocation_endpoint_auth_methods_supported=["client_secret_basic"],
        id_token_signing_alg_values_supported=sorted({key["alg"] for key in await runtime.idp.keys()}),
        subject_types_supported=["public"],
    )


def issuer_status(runtime: Runtime) -> IssuerStatus:
    """The issuer's addresses, as they follow from its name."""
    authority = runtime.idp.issuer
    base = authority.rstrip("/")
    return IssuerStatus(
        authority=authority,
        discovery_endpoint=f"{base}/.well-known/openid-configuration",
        jwks_endpoint=f"{base}/.well-known/jwks.json",
        token_endpoint=f"{base}/connect/token",
    )
