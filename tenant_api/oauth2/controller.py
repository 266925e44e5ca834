"""The routes of tokens and of the server's description. All are public; clients prove themselves in the request."""

from litestar import Controller, MediaType, Response, get, post

from idp_providers.authorization_server import Proof
from tenant_api.oauth2.client_proofs import audiences_of, proof_of
from tenant_api.oauth2.errors import HANDLERS, NO_STORE
from tenant_api.oauth2.metadata import require_issuers_path, server_metadata
from tenant_api.oauth2.parameters import Parameters, read_parameters
from tenant_api.oauth2.schemas import (
    InactiveRead,
    IntrospectionRead,
    OAuthErrorRead,
    OAuthTokenForm,
    ServerMetadata,
    TokenGrantRead,
    TokenRequestForm,
)
from tenant_api.oauth2.tokens import Tokens, require_client_credentials
from tenant_api.web.binding import ApiRequest
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import runtime_of

REFUSALS = dict.fromkeys((400, 401, 429, 502, 503), OAuthErrorRead)


class OAuthController(Controller):
    """Token, introspection and revocation endpoints, by the RFCs."""

    path = "/oauth2"
    tags = ["OAuth 2"]
    exception_handlers = HANDLERS

    @post(
        "/token",
        status_code=200,
        opt=operation(
            "grantToken",
            "Grant a token (RFC 6749)",
            PUBLIC,
            form=TokenRequestForm,
            answers={200: TokenGrantRead, **REFUSALS},
            description=(
                "Client credentials, with `client_secret_basic`, `client_secret_post` or `private_key_jwt` (RFC 7523). "
                "A scope that the client does not hold is refused. A client assertion counts once."
            ),
        ),
    )
    async def token(self, request: ApiRequest) -> Response[TokenGrantRead]:
        parameters = await read_parameters(request)
        require_client_credentials(parameters)
        answer = await Tokens(runtime_of(request)).grant(parameters, _proof(request, parameters))
        return Response(TokenGrantRead.of(answer), headers=NO_STORE)

    @post(
        "/introspect",
        status_code=200,
        opt=operation(
            "introspectAccessToken",
            "Tell whether a token counts, and what it says (RFC 7662)",
            PUBLIC,
            form=OAuthTokenForm,
            answers={200: IntrospectionRead | InactiveRead, **REFUSALS},
            description=(
                "The caller proves itself as at the token endpoint. A client may look into its own tokens; one of the "
                "service with full or read-only access into all. For everybody else a token is not active, nor is one "
                "whose client could get no other now: not approved, or of a suspended tenant."
            ),
        ),
    )
    async def introspect(self, request: ApiRequest) -> Response[IntrospectionRead | InactiveRead]:
        parameters = await read_parameters(request)
        principal = await Tokens(runtime_of(request)).introspect(parameters, _proof(request, parameters))
        body = IntrospectionRead.of(principal) if principal else InactiveRead()
        return Response(body, headers=NO_STORE)

    @post(
        "/revoke",
        status_code=200,
        opt=operation(
            "revokeAccessToken",
            "End a token before its time (RFC 7009)",
            PUBLIC,
            form=OAuthTokenForm,
            answers={200: None, **REFUSALS},
            description=(
                "The caller proves itself as at the token endpoint. A client may end its own tokens, one of the "
                "service with full access all. A token that does not count is no error."
            ),
        ),
    )
    async def revoke(self, request: ApiRequest) -> Response[None]:
        parameters = await read_parameters(request)
        await Tokens(runtime_of(request)).revoke(parameters, _proof(request, parameters))
        return Response(None, headers=NO_STORE, media_type=MediaType.TEXT)


class ServerMetadataController(Controller):
    """The server's description, where clients look for it."""

    path = "/.well-known/oauth-authorization-server"
    tags = ["Discovery"]

    @get(
        ["/", "/{issuer:path}"],
        opt=operation(
            "getServerMetadata",
            "Describe the authorization server (RFC 8414)",
            PUBLIC,
            answers={200: ServerMetadata},
            description="The path of an issuer that has one may follow.",
        ),
    )
    async def metadata(self, request: ApiRequest) -> ServerMetadata:
        if issuer_path := request.path_params.get("issuer"):
            require_issuers_path(request, str(issuer_path))
        return server_metadata(request)


def _proof(request: ApiRequest, parameters: Parameters) -> Proof:
    authorization = request.headers.get("authorization", "")
    return proof_of(parameters, authorization, audiences_of(runtime_of(request)))
