"""What the server says about itself (RFC 8414)."""

from urllib.parse import urlsplit

from idp_providers.authorization_server import ASSERTION_ALGORITHMS
from tenant_api.kernel.errors import NotFoundError
from tenant_api.oauth2.registration import registers
from tenant_api.oauth2.schemas import ServerMetadata
from tenant_api.oauth2.tokens import CLIENT_CREDENTIALS
from tenant_api.web.location import origin
from tenant_api.web.operation import AUTH_METADATA_ACCESS, FULL_ACCESS, READ_ONLY_ACCESS
from tenant_api.web.state import Connection, runtime_of

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def server_metadata(connection: Connection) -> ServerMetadata:
    """Addresses as the caller reaches us, below the configured path base; the issuer as it is configured."""
    runtime = runtime_of(connection)
    base = origin(connection) + runtime.settings.http.path_base
    algorithms = list(ASSERTION_ALGORITHMS)
    return ServerMetadata(
        issuer=runtime.idp.issuer,
        token_endpoint=f"{base}/oauth2/token",
        jwks_uri=f"{base}/.well-known/jwks.json",
        registration_endpoint=f"{base}/oauth2/register" if registers(runtime) else None,
        scopes_supported=[FULL_ACCESS, READ_ONLY_ACCESS, AUTH_METADATA_ACCESS],
        response_types_supported=["none"],
        grant_types_supported=[CLIENT_CREDENTIALS],
        token_endpoint_auth_methods_supported=METHODS,
        token_endpoint_auth_signing_alg_values_supported=algorithms,
        introspection_endpoint=f"{base}/oauth2/introspect",
        introspection_endpoint_auth_methods_supported=METHODS,
        introspection_endpoint_auth_signing_alg_values_supported=algorithms,
        revocation_endpoint=f"{base}/oauth2/revoke",
        revocation_endpoint_auth_methods_supported=METHODS,
        revocation_endpoint_auth_signing_alg_values_supported=algorithms,
    )


def require_issuers_path(connection: Connection, path: str) -> None:
    """The path of an issuer's name stands behind the well-known one (RFC 8414, section 3.1); NotFoundError."""
    if path.strip("/") != urlsplit(runtime_of(connection).idp.issuer).path.strip("/"):
        raise NotFoundError
