"""Rules about the secrets and keys of an API client; knows no HTTP and no SQL."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.contract import ClientSecret, IdentityProvider
from idp_providers.errors import (
    ClientNotFoundError,
    IdpError,
    IdpRejectedError,
    SecretNotFoundError,
    TooManySecretsError,
)
from idp_providers.secret_keeping import SecretState, SecretTerms
from tenant_api.api_clients.locking import ApplicationLocks
from tenant_api.api_clients.reach import ReachingClient
from tenant_api.api_clients.repository import ApiClientRepository
from tenant_api.credentials.providers import keeper_of, key_server_of
from tenant_api.credentials.repository import AnswerRepository, IdempotencyKey
from tenant_api.credentials.schemas import SecretCreate, SecretCreatedRead, moment
from tenant_api.kernel.clock import utcnow
from tenant_api.kernel.errors import ConcurrentModificationError, ConflictError, DataError, NotFoundError
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.plugins.unit_of_work import joined
from tenant_api.web.gateway import failure_of
from tenant_api.web.state import Runtime


def request_key(text: str | None, wanted: SecretCreate) -> IdempotencyKey | None:
    """The caller's name for a request, bound to what the request asks for."""
    if text is None:
        return None
    asked = json.dumps(wanted.model_dump(mode="json"), sort_keys=True)
    return IdempotencyKey(text, sha256(asked.encode()).hexdigest())


class CredentialService:
    """Secrets and keys of one tenant's API clients. Changes commit with the request or not at all."""

    def __init__(self, session: AsyncSession, runtime: Runtime, tenant_id: int) -> None:
        self._session = session
        self._clients = ApiClientRepository(session, tenant_id)
        self._locks = ApplicationLocks(session, tenant_id)
        self._answers = AnswerRepository(session, runtime.sealer)
        self._idp = runtime.idp
        self._secret_length = runtime.settings.identity.generated_secret_length

    async def secrets(self, api_client_id: int) -> Sequence[SecretState]:
        """All secrets, the newest first; NotFoundError, UnsupportedError."""
        client = _there(await self._clients.find(api_client_id))
        keeper = keeper_of(self._idp)
        with _provider_errors(self._idp):
            return await keeper.secrets(client.row.client_id)

    async def add(self, api_client_id: int, wanted: SecretCreate, key: IdempotencyKey | None) -> SecretCreatedRead:
        """A new secret; the others stay, or end after an overlap.

        With a key it is idempotent for a day: the same request gets the same answer, another one under the same key
        is a ConflictError, and so is a request whose secret has ended: it would get a secret that no longer works.
        """
        client = await self._locked(api_client_id)
        if key and (earlier := await self._answers.find(api_client_id, key)):
            if earlier.request_digest != key.request_digest:
                raise ConflictError("The 'Idempotency-Key' was used for another request.")
            return await self._still_live(client, SecretCreatedRead.model_validate_json(earlier.body))
        dates = (wanted.not_before, wanted.expires_at, wanted.overlap_seconds) != (None, None, None)
        keeper, terms = keeper_of(self._idp, dates=dates), _terms(wanted)
        secret = ClientSecret(value=generate_client_secret(self._secret_length))
        overlap = None if wanted.overlap_seconds is None else timedelta(seconds=wanted.overlap_seconds)
        with self._provider_call():
            state = await keeper.add_secret(client.row.client_id, secret, terms, overlap=overlap)
        answer = SecretCreatedRead.of(state, client.row.client_id, secret.value)
        if key:
            await self._answers.keep(api_client_id, key, answer.model_dump_json(by_alias=True))
        return answer

    async def remove(self, api_client_id: int, secret_id: str) -> None:
        """End one secret at once, be it the last one; NotFoundError, UnsupportedError."""
        client = await self._locked(api_client_id)
        keeper = keeper_of(self._idp)
        with self._provider_call():
            await keeper.remove_secret(client.row.client_id, secret_id)

    async def keys(self, api_client_id: int) -> Sequence[dict[str, Any]]:
        """The public keys; NotFoundError, UnsupportedError."""
        client = _there(await self._clients.find(api_client_id))
        server = key_server_of(self._idp)
        with _provider_errors(self._idp):
            return await server.client_keys(client.row.client_id)

    async def replace_keys(self, api_client_id: int, keys: Sequence[dict[str, Any]]) -> None:
        """All public keys anew, or none; DataError says what is wrong with one."""
        client = await self._locked(api_client_id)
        server = key_server_of(self._idp)
        with self._provider_call():
            try:
                await server.replace_client_keys(client.row.client_id, keys)
            except IdpRejectedError as error:
                raise DataError.of("Keys", str(error)) from None

    async def _still_live(self, client: ReachingClient, made: SecretCreatedRead) -> SecretCreatedRead:
        keeper = keeper_of(self._idp)
        with self._provider_call():
            secrets = await keeper.secrets(client.row.client_id)
        if any(state.id == made.id and (state.expires_at is None or state.expires_at > utcnow()) for state in secrets):
            return made
        raise ConflictError("The secret that this 'Idempotency-Key' made has ended.")

    @contextmanager
    def _provider_call(self) -> Iterator[None]:
        """A change that commits with the request."""
        with _provider_errors(self._idp), joined(self._session):
            yield

    async def _locked(self, api_client_id: int) -> ReachingClient:
        """The API client while its application is locked, as a reset would find it."""
        seen = _there(await self._clients.find(api_client_id))
        locked = await self._locks.exclusive({seen.row.application_id})
        client = _there(await self._clients.find(api_client_id))
        if client.row.application_id not in locked:
            raise ConcurrentModificationError
        return client


@contextmanager
def _provider_errors(idp: IdentityProvider) -> Iterator[None]:
    """What the provider says, in the service's words."""
    try:
        yield
    except ClientNotFoundError:
        raise ConflictError(
            "The credential is gone from the identity provider. Mend it with PUT /v3/apiClients/{id}/reset-credential."
        ) from None
    except SecretNotFoundError:
        raise NotFoundError("Secret not found") from None
    except TooManySecretsError as error:
        raise ConflictError(f"{error} Remove one first.") from None
    except IdpError as error:
        raise failure_of(idp, error) from error


def _terms(wanted: SecretCreate) -> SecretTerms:
    """The terms of a new secret; DataError unless it ends after it begins."""
    begins, ends = moment(wanted.not_before), moment(wanted.expires_at)
    if ends is not None and ends <= max(utcnow(), begins or ends.min.replace(tzinfo=ends.tzinfo)):
        raise DataError.of("ExpiresAt", "'Expires At' must be in the future and later than 'Not Before'.")
    return SecretTerms(label=wanted.label, not_before=begins, expires_at=ends)


def _there(client: ReachingClient | None) -> ReachingClient:
    if client is None:
        raise NotFoundError("ApiClient not found")
    return client
