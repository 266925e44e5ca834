"""The life of one client at Cognito: an app client, and the record that names it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import TypeVar

from idp_providers.cognito.answers import NoAnswerError, UnknownScopeError
from idp_providers.cognito.app_clients import AppClients, judge_secret
from idp_providers.cognito.hosted import HostedEndpoints
from idp_providers.cognito.known import KnownClients
from idp_providers.cognito.markers import Markers, key_of
from idp_providers.cognito.parameters import Parameters
from idp_providers.cognito.records import Record, can_be_client_id, in_spelling, judge_client
from idp_providers.cognito.scopes import ResourceServer
from idp_providers.contract import ClientSecret, ClientSpec
from idp_providers.errors import (
    ClientAlreadyExistsError,
    ClientNotFoundError,
    IdpError,
    IdpRejectedError,
    InvalidClientError,
    UnauthorizedClientError,
)

AT_ONCE = 8
"""App clients of one deletion that are removed together."""
LONGEST_APP_CLIENT_ID = "x" * 128

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class Lifecycle:
    """The app client is always the first to change and the record the last: the record never says more than is true.

    So whoever looks after an interruption finds a difference, or an app client without a record.
    """

    def __init__(
        self,
        *,
        app_clients: AppClients,
        parameters: Parameters,
        resource_server: ResourceServer,
        hosted: HostedEndpoints,
        markers: Markers,
        known: KnownClients,
    ) -> None:
        self._app_clients = app_clients
        self._parameters = parameters
        self._resource_server = resource_server
        self._hosted = hosted
        self._markers = markers
        self._known = known

    async def read(self, client_id: str) -> Record | None:
        """Our record of this client; None if there is none, or somebody else's."""
        record = await self.look(client_id)
        return record if record is not None and self.proves(record) else None

    async def look(self, client_id: str) -> Record | None:
        """Whatever is written about this client. What nobody can read belongs to somebody else."""
        texts = await self._parameters.texts([key_of(client_id)]) if can_be_client_id(client_id) else {}
        return _parsed(client_id, texts[key_of(client_id)]) if texts else None

    def proves(self, record: Record) -> bool:
        """Whether the record is our own; remembered if it is."""
        proven = self._markers.proves_client(record.client_id, record.app_client_id, record.marker)
        if proven:
            self._known.put(record)
        return proven

    async def create(self, spec: ClientSpec, secret: ClientSecret) -> str:
        """The secret. Two calls; more where the claim set is new, an answer was lost, or the id is taken."""
        judge_client(spec)
        judge_secret(secret)
        self._parameters.judge(self._wanted(spec, LONGEST_APP_CLIENT_ID))
        app_client_id, shown = await self._made(spec, secret)
        record = self._wanted(spec, app_client_id)
        try:
            await self._parameters.claim(record)
            taken = False
        except ClientAlreadyExistsError:
            taken = not await self._takes_over(record)
        if taken:
            with suppress(IdpError):
                await self._app_clients.delete(app_client_id)
            raise ClientAlreadyExistsError("A client with this id exists.")
        self._known.put(record)
        return shown

    async def update(self, spec: ClientSpec) -> None:
        """Three calls; five where the claim set is new."""
        judge_client(spec)
        record = await self._own(spec.client_id)
        spec = in_spelling(spec, record)
        wanted = self._wanted(spec, record.app_client_id)
        self._parameters.judge(wanted)
        self._known.drop(record)
        name = self._markers.app_client_name(spec.client_id)
        await self._with_scopes(wanted, lambda: self._app_clients.update(name, wanted))
        await self._parameters.write(wanted)
        self._known.put(wanted)

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> str:
        """The new secret; the app client and its tokens stay. Three calls, or four for a client not seen of late."""
        judge_secret(secret)
        remembered = self._known.client(client_id)
        if remembered is not None:
            with suppress(ClientNotFoundError):
                return await self._replaced(remembered, secret)
            self._known.drop(remembered)
        return await self._replaced(await self._own(client_id), secret)

    async def delete(self, client_ids: Collection[str]) -> None:
        """All are looked at before the first is deleted: a foreign one among them leaves all as they were.

        Two calls for one that was seen of late, for ten two and one for each.
        """
        known = [self._known.client(client_id) for client_id in client_ids]
        remembered = [record for record in known if record is not None]
        unseen = [client_id for client_id, record in zip(client_ids, known, strict=True) if record is None]
        found = await self._all_own(unseen)
        gone = await self._removed(remembered)
        again = await self._all_own([record.client_id for record in gone])
        await self._removed([*found, *again])
        kept = {record.client_id for record in gone} - {record.client_id for record in again}
        doomed = [record for record in (*remembered, *found) if record.client_id not in kept]
        await self._parameters.delete([record.client_id for record in doomed])

    async def _made(self, spec: ClientSpec, secret: ClientSecret) -> tuple[str, str]:
        """Once more if the answer was lost: the first one, of which nobody knows the secret, is swept up later."""
        name, wanted = self._markers.app_client_name(spec.client_id), self._wanted(spec, "")

        async def make() -> tuple[str, str]:
            return await self._app_clients.create(name, wanted, secret)

        with suppress(NoAnswerError):
            return await self._with_scopes(wanted, make)
        log.info("idp.cognito.answer_lost", extra={"client": spec.client_id})
        return await self._with_scopes(wanted, make)

    async def _takes_over(self, record: Record) -> bool:
        """Ours is the id if it was so before and its app client was deleted, by hand or by half a deletion."""
        held = await self.read(record.client_id)
        if held is None or await self._app_clients.find(held.app_client_id) is not None:
            return False
        await self._parameters.write(record)
        return True

    async def _replaced(self, record: Record, secret: ClientSecret) -> str:
        """Cognito lets a client have two secrets, and one at least."""
        held = await self._app_clients.secrets(record.app_client_id)
        if secret.chosen and len(held) == 1 and await self._works(record, secret):
            return secret.value
        while len(held) > 1:
            await self._app_clients.delete_secret(record.app_client_id, held.pop(0))
        shown = await self._app_clients.add_secret(record.app_client_id, secret)
        for old in held:
            await self._app_clients.delete_secret(record.app_client_id, old)
        return shown

    async def _works(self, record: Record, secret: ClientSecret) -> bool:
        """The secrets of the service's own clients are set at every start: what is set already stays."""
        try:
            await self._hosted.grant(record.app_client_id, secret.value, [])
        except (InvalidClientError, UnauthorizedClientError):
            return False
        return True

    async def _with_scopes(self, wanted: Record, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Cognito itself says when a claim set is new to it."""
        with suppress(UnknownScopeError):
            return await call()
        await self._resource_server.require(wanted.scopes)
        return await call()

    async def _own(self, client_id: str) -> Record:
        record = await self.look(client_id)
        if record is None:
            raise ClientNotFoundError("No client with this id.")
        return self._demanded(record)

    async def _all_own(self, client_ids: Collection[str]) -> list[Record]:
        """Those of them that are there."""
        keys = {key_of(client_id): client_id for client_id in client_ids if can_be_client_id(client_id)}
        texts = await self._parameters.texts(keys)
        return [self._demanded(_parsed(keys[key], text)) for key, text in texts.items()]

    def _demanded(self, record: Record) -> Record:
        if not self.proves(record):
            raise IdpRejectedError(f"The client {record.client_id!r} was not made by this installation.")
        return record

    async def _removed(self, records: list[Record]) -> list[Record]:
        """Which of their app clients were gone already."""
        gone: list[Record] = []
        for start in range(0, len(records), AT_ONCE):
            group = records[start : start + AT_ONCE]
            for record in group:
                self._known.drop(record)
            calls = (self._app_clients.delete(record.app_client_id) for record in group)
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
            gone += [record for record, deleted in zip(group, answers, strict=True) if not deleted]
        return gone

    def _wanted(self, spec: ClientSpec, app_client_id: str) -> Record:
        return Record.of(spec, app_client_id, self._markers.of_client(spec.client_id, app_client_id))


def _parsed(client_id: str, text: str) -> Record:
    """What is not a record of ours is one that proves nothing. One that was copied here says another id."""
    record = Record.parse(text)
    if record is not None and key_of(record.client_id) == key_of(client_id):
        return record
    return Record(
        client_id=client_id,
        app_client_id="",
        marker="",
        display_name="",
        role="",
        scopes=(),
        enabled=False,
        application=False,
    )
