"""The routes of tokens, registration, introspection and discovery. All are public."""

from litestar import Controller, MediaType, Response, get, post
from litestar.di import NamedDependency
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.connect.bound_registration import registration_of
from tenant_api.connect.discovery import issuer_status, key_set, provider_metadata
from tenant_api.connect.forms import read_form
from tenant_api.connect.presented import PresentedTokens, presented_token
from tenant_api.connect.schemas import (
    ActiveTokenRead,
    InactiveTokenRead,
    IssuerStatus,
    KeySet,
    PresentedTokenForm,
    ProviderMetadata,
    RegistrationForm,
    RegistrationRead,
    TokenForm,
    TokenRead,
)
from tenant_api.connect.tokens import granted, token_request
from tenant_api.kernel.errors import BadRequestError, DataError
from tenant_api.plugins.unit_of_work import joined
from tenant_api.web.binding import ApiRequest
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import runtime_of
from tenant_api.web.tenancy import sent_tenant

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class ConnectController(Controller):
    """Tokens, what becomes of them, and registration. Clients of this contract may append anything to these paths."""

    path = "/connect"
    tags = ["Tokens"]

    @post(
        ["/token", "/token/{context:path}"],
        status_code=200,
        opt=operation(
            "requestToken",
            "Grant a token for client credentials",
            PUBLIC,
            form=TokenForm,
            answers={200: TokenRead},
            problems=(401, 403, BadRequestError, DataError, 502, 503),
            description=(
                "Client credentials (RFC 6749, section 4.4), in the form or by HTTP Basic authentication. "
                "Anything may follow the path."
            ),
        ),
    )
    async def token(self, request: ApiRequest) -> Response[TokenRead]:
        wanted = token_request(await read_form(request), request.headers.get("authorization", ""))
        answer = await granted(runtime_of(request), wanted)
        body = TokenRead(access_token=answer.access_token, expires_in=answer.expires_in, token_type=answer.token_type)
        return Response(body, headers=NO_STORE)

    @post(
        ["/register", "/register/{context:path}"],
        status_code=200,
        opt=operation(
            "registerClient",
            "Register a client of this service with full access",
            PUBLIC,
            form=RegistrationForm,
            answers={200: RegistrationRead},
            problems=(403, DataError, 502, 503),
            description="Refused unless `TENANT_API_IDENTITY__ALLOW_REGISTRATION` is on.",
        ),
    )
    async def register(self, request: ApiRequest, session: NamedDependency[AsyncSession]) -> RegistrationRead:
        runtime = runtime_of(request)
        registration = registration_of(runtime, session, sent_tenant(request.scope))
        registration.require_allowed()
        wanted = RegistrationForm.model_validate(await read_form(request))
        with joined(session):
            await registration.register(wanted)
        return RegistrationRead(title=f"Registered client {wanted.client_id} successfully.")

    @post(
        ["/introspect", "/introspect/{context:path}"],
        status_code=200,
        opt=operation(
            "introspectToken",
            "Tell whether a token counts, and what it says",
            PUBLIC,
            form=PresentedTokenForm,
            answers={200: ActiveTokenRead | InactiveTokenRead},
            problems=(401, 403, BadRequestError, 502, 503),
            description=(
                "RFC 7662. Needs HTTP Basic authentication of a client of the service if the settings say so."
            ),
        ),
    )
    async def introspect(self, request: ApiRequest) -> Response[ActiveTokenRead | InactiveTokenRead]:
        tokens = PresentedTokens(runtime_of(request))
        await tokens.require_client(request.headers.get("authorization", ""))
        return Response(await tokens.introspect(presented_token(await read_form(request))), headers=NO_STORE)

    @post(
        ["/revoke", "/revoke/{context:path}"],
        status_code=200,
        opt=operation(
            "revokeToken",
            "End a token before its time; any other text has no effect",
            PUBLIC,
            form=PresentedTokenForm,
            answers={200: None},
            problems=(BadRequestError, 502, 503),
            description="RFC 7009.",
        ),
    )
    async def revoke(self, request: ApiRequest) -> Response[None]:
        await PresentedTokens(runtime_of(request)).revoke(presented_token(await read_form(request)))
        return Response(None, headers=NO_STORE, media_type=MediaType.TEXT)


class IssuerStatusController(Controller):
    """Where the issuer is, whoever it is."""

    path = "/.well-known/openiddict-status"
    tags = ["Discovery"]

    @get(opt=operation("getIssuerStatus", "Name the issuer's addresses", PUBLIC, answers={200: IssuerStatus}))
    async def status(self, request: ApiRequest) -> IssuerStatus:
        return issuer_status(request)


class DiscoveryController(Controller):
    """Discovery, as long as tokens can be had from us."""

    path = "/.well-known"
    tags = ["Discovery"]

    @get(
        "/openid-configuration",
        opt=operation(
            "getProviderMetadata",
            "Describe the issuer of tokens",
            PUBLIC,
            answers={200: ProviderMetadata},
            problems=(502, 503),
        ),
    )
    async def metadata(self, request: ApiRequest) -> ProviderMetadata:
        return await provider_metadata(request)

    @get(
        "/jwks.json",
        opt=operation(
            "getKeySet", "List the keys that verify tokens", PUBLIC, answers={200: KeySet}, problems=(502, 503)
        ),
    )
    async def keys(self, request: ApiRequest) -> KeySet:
        return await key_set(runtime_of(request))
