"""The routes of registrations. All are public; a bearer token of their own opens them."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.oauth2.client_metadata import ClientInformation, ClientMetadata, ClientUpdate, read_update
from tenant_api.oauth2.errors import HANDLERS, NO_STORE
from tenant_api.oauth2.registration import Registered, Registrations
from tenant_api.oauth2.schemas import OAuthErrorRead
from tenant_api.web.binding import ApiRequest, read_json
from tenant_api.web.location import base_url
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import runtime_of
from tenant_api.web.tenancy import sent_tenant

UNKNOWN = dict.fromkeys((401, 502, 503), OAuthErrorRead)
REFUSALS = {**UNKNOWN, **dict.fromkeys((400, 415, 429), OAuthErrorRead)}
ITEM = "/{client_id:str}"
CLIENT = {"client_id": Annotated[str, Field(description="The id that the client got when it registered.")]}


def provide_registrations(request: ApiRequest, session: NamedDependency[AsyncSession]) -> Registrations:
    return Registrations(runtime_of(request), session)


class RegistrationController(Controller):
    """Dynamic registration (RFC 7591) and its management (RFC 7592)."""

    path = "/oauth2/register"
    tags = ["OAuth 2"]
    exception_handlers = HANDLERS
    dependencies = {"registrations": Provide(provide_registrations, sync_to_thread=False)}

    @post(
        status_code=201,
        opt=operation(
            "registerOAuthClient",
            "Register a client of the service (RFC 7591)",
            PUBLIC,
            body=ClientMetadata,
            answers={201: ClientInformation, 403: OAuthErrorRead, **REFUSALS},
            description=(
                "Needs the initial access token of the operator as bearer token; without the setting "
                "`TENANT_API_IDENTITY__REGISTRATION_TOKEN_DIGEST` nobody can register. The answer holds a token of its "
                "own, with which the registration is read, changed and removed."
            ),
        ),
    )
    async def register(
        self, request: ApiRequest, registrations: NamedDependency[Registrations]
    ) -> Response[ClientInformation]:
        registrations.require_initial_token(_authorization(request))
        metadata = ClientMetadata.of(await read_json(request))
        registered = await registrations.register(metadata, sent_tenant(request.scope))
        return _answer(request, registered, status=201)

    @get(
        ITEM,
        opt=operation(
            "getOAuthClient",
            "Get a registration (RFC 7592)",
            PUBLIC,
            path=CLIENT,
            answers={200: ClientInformation, **UNKNOWN},
            description="Needs the access token of this registration as bearer token. The secret is not shown again.",
        ),
    )
    async def get_one(
        self, request: ApiRequest, registrations: NamedDependency[Registrations]
    ) -> Response[ClientInformation]:
        return _answer(request, await registrations.find(_client_id(request), _authorization(request)))

    @put(
        ITEM,
        status_code=200,
        opt=operation(
            "replaceOAuthClient",
            "Replace a registration (RFC 7592)",
            PUBLIC,
            path=CLIENT,
            body=ClientUpdate,
            answers={200: ClientInformation, **REFUSALS},
            description=(
                "Needs the access token of this registration as bearer token. What is left out takes its default. "
                "A secret is made, and shown, only if the client did without one until now."
            ),
        ),
    )
    async def replace(
        self, request: ApiRequest, registrations: NamedDependency[Registrations]
    ) -> Response[ClientInformation]:
        present = await registrations.find(_client_id(request), _authorization(request))
        update = read_update(await read_json(request), present.client.client_id)
        return _answer(request, await registrations.replace(present, update))

    @delete(
        ITEM,
        opt=operation(
            "deleteOAuthClient",
            "Remove a registration with its client (RFC 7592)",
            PUBLIC,
            path=CLIENT,
            answers={204: None, **UNKNOWN},
            description="Needs the access token of this registration as bearer token. Tokens of the client end.",
        ),
    )
    async def remove(self, request: ApiRequest, registrations: NamedDependency[Registrations]) -> None:
        await registrations.remove(await registrations.find(_client_id(request), _authorization(request)))


def _answer(request: ApiRequest, registered: Registered, status: int = 200) -> Response[ClientInformation]:
    address = f"{base_url(request)}/oauth2/register/{registered.client.client_id}"
    shown = ClientInformation.of(registered.client, registered.access_token, address)
    if registered.secret is not None:
        ends = registered.secret_expires_at
        once = {"client_secret": registered.secret, "client_secret_expires_at": int(ends.timestamp()) if ends else 0}
        shown = shown.model_copy(update=once)
    return Response(shown, status_code=status, headers=NO_STORE)


def _authorization(request: ApiRequest) -> str:
    return request.headers.get("authorization", "")


def _client_id(request: ApiRequest) -> str:
    return str(request.path_params["client_id"])
