"""The routes of API clients' secrets and public keys."""

import re
from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.credentials.schemas import KeySetRead, KeySetReplace, SecretCreate, SecretCreatedRead, SecretRead
from tenant_api.credentials.service import CredentialService, request_key
from tenant_api.kernel.errors import ConflictError, ParameterError, UnsupportedError
from tenant_api.web.binding import ApiRequest, read_body, route_id
from tenant_api.web.location import created_at
from tenant_api.web.operation import ADMIN, READ_ONLY, operation
from tenant_api.web.state import runtime_of, tenant_of

NO_STORE = {"Cache-Control": "no-store"}
PATH = "/v3/apiClients/{id:str}"
SECRET = {"secret_id": Annotated[str, Field(description="The id of the secret, as the list shows it.")]}

_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def provide_credentials(request: ApiRequest, session: NamedDependency[AsyncSession]) -> CredentialService:
    return CredentialService(session, runtime_of(request), tenant_of(request))


class SecretController(Controller):
    """Several secrets per API client, where the identity provider keeps them."""

    path = f"{PATH}/secrets"
    tags = ["API clients"]
    dependencies = {"credentials": Provide(provide_credentials, sync_to_thread=False)}

    @get(
        opt=operation(
            "listApiClientSecrets",
            "List the secrets of an API client, without their values",
            READ_ONLY,
            answers={200: list[SecretRead]},
            problems=(404, UnsupportedError, ConflictError),
            description=(
                "The newest first; ended ones stay for a week, the newest 50 of them. `lastUsedAt` shows who still "
                "uses an old one before it is removed."
            ),
        )
    )
    async def list_all(self, request: ApiRequest, credentials: NamedDependency[CredentialService]) -> list[SecretRead]:
        return [SecretRead.of(state) for state in await credentials.secrets(route_id(request))]

    @post(
        status_code=201,
        opt=operation(
            "createApiClientSecret",
            "Give an API client one more secret, or rotate, and show it once",
            ADMIN,
            body=SecretCreate,
            answers={201: SecretCreatedRead},
            headers=("Location",),
            problems=(404, UnsupportedError, ConflictError, 502),
            description=(
                "With `overlapSeconds` all other secrets end that long after the new one begins. The header "
                "`Idempotency-Key` (1 to 255 printable ASCII characters) makes the request repeatable for 24 hours: "
                "the same request gets the same answer, its secret included; another body under the same key is 409."
            ),
        ),
    )
    async def create(
        self, request: ApiRequest, credentials: NamedDependency[CredentialService]
    ) -> Response[SecretCreatedRead]:
        api_client_id = route_id(request)
        key = _idempotency_key(request)
        wanted = await read_body(request, SecretCreate)
        made = await credentials.add(api_client_id, wanted, request_key(key, wanted))
        return Response(made, headers={**NO_STORE, "Location": created_at(request, made.id)})

    @delete(
        "/{secret_id:str}",
        opt=operation(
            "deleteApiClientSecret",
            "End one secret of an API client",
            ADMIN,
            path=SECRET,
            answers={204: None},
            problems=(404, UnsupportedError, ConflictError, 502),
            description="It stops working at once, be it the last one. Tokens that it got live on.",
        ),
    )
    async def remove(self, request: ApiRequest, credentials: NamedDependency[CredentialService]) -> None:
        await credentials.remove(route_id(request), str(request.path_params["secret_id"]))


class KeyController(Controller):
    """Public keys of an API client, with which it may prove itself instead of by a secret (RFC 7523)."""

    path = f"{PATH}/keys"
    tags = ["API clients"]
    dependencies = {"credentials": Provide(provide_credentials, sync_to_thread=False)}

    @get(
        opt=operation(
            "getApiClientKeys",
            "Get the public keys of an API client",
            READ_ONLY,
            answers={200: KeySetRead},
            problems=(404, UnsupportedError, ConflictError),
        )
    )
    async def get_all(self, request: ApiRequest, credentials: NamedDependency[CredentialService]) -> KeySetRead:
        return KeySetRead(keys=await credentials.keys(route_id(request)))

    @put(
        status_code=204,
        opt=operation(
            "replaceApiClientKeys",
            "Replace the public keys of an API client",
            ADMIN,
            body=KeySetReplace,
            answers={204: None},
            problems=(404, UnsupportedError, ConflictError, 502),
            description=(
                "At most 10 JSON Web Keys: RSA of 2048 to 4096 bits, EC on P-256, OKP on Ed25519; where several are of "
                "one kind, each needs a `kid`. Assertions signed with one of them count at `/oauth2/token`."
            ),
        ),
    )
    async def replace(self, request: ApiRequest, credentials: NamedDependency[CredentialService]) -> None:
        api_client_id = route_id(request)
        await credentials.replace_keys(api_client_id, (await read_body(request, KeySetReplace)).keys)

    @delete(
        opt=operation(
            "deleteApiClientKeys",
            "Remove the public keys of an API client",
            ADMIN,
            answers={204: None},
            problems=(404, UnsupportedError, ConflictError, 502),
            description="Assertions end at once; secrets stay as they are.",
        ),
    )
    async def remove(self, request: ApiRequest, credentials: NamedDependency[CredentialService]) -> None:
        await credentials.replace_keys(route_id(request), [])


def _idempotency_key(request: ApiRequest) -> str | None:
    text = request.headers.get("idempotency-key")
    if text is not None and not _IDEMPOTENCY_KEY.fullmatch(text):
        raise ParameterError(errors=["The 'Idempotency-Key' must have 1 to 255 printable ASCII characters."])
    return text
