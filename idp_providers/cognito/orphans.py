"""App clients of ours that no record names: what a lost answer to a creation leaves behind."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from idp_providers.cognito.app_clients import AppClients, Listed, Page
from idp_providers.cognito.markers import Markers, client_id_in
from idp_providers.cognito.parameters import Parameters
from idp_providers.cognito.records import Record
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import Host
from idp_providers.errors import IdpRejectedError
from idp_providers.self_hosted.database import contract_errors

PAGES = 5
"""Pages of 60 app clients that one round looks at; the next round goes on behind them."""

log = logging.getLogger(__name__)


class Orphans:
    """Removes those whose name carries our proof, that no record can name, and that are older than the grace time.

    An app client cannot be brought back, and its secret is lost with it. So a record that is not there is no proof
    that nobody needs its app client: it may have been deleted by hand. Only our rows can say so. And a round that
    finds many of them is more likely to be mistaken than to be right: it removes none.
    """

    def __init__(
        self, app_clients: AppClients, parameters: Parameters, markers: Markers, settings: CognitoSettings, host: Host
    ) -> None:
        self._app_clients = app_clients
        self._parameters = parameters
        self._markers = markers
        self._grace = settings.orphan_grace
        self._most = settings.orphan_limit
        self._host = host
        self._after: str | None = None
        self._one_at_a_time = asyncio.Lock()

    async def sweep(self) -> None:
        """One round. Who comes while another is under way has nothing to do."""
        if self._one_at_a_time.locked():
            return
        async with self._one_at_a_time:
            found = [orphan async for orphan in self._found()]
            if len(found) > self._most:
                log.error("idp.cognito.too_many_orphans", extra={"found": len(found), "limit": self._most})
                return
            for orphan in found:
                await self._app_clients.delete(orphan)
                log.info("idp.cognito.orphan_removed", extra={"app_client": orphan})

    async def _found(self) -> AsyncIterator[str]:
        for _ in range(PAGES):
            page = await self._next_page()
            for unnamed in await self._unnamed(page.clients):
                if await self._is_old(unnamed):
                    yield unnamed
            self._after = page.next
            if self._after is None:
                return

    async def _next_page(self) -> Page:
        """Where a round broke off, the next one goes on; a place that AWS no longer knows is forgotten."""
        try:
            return await self._app_clients.page(self._after)
        except IdpRejectedError:
            self._after = None
            raise

    async def _unnamed(self, listed: Iterable[Listed]) -> list[str]:
        keys = {client.id: key for client in listed if (key := self._markers.key_in(client.name)) is not None}
        texts = await self._parameters.texts(sorted(set(keys.values())))
        needed = await self._needed({key for key in keys.values() if key not in texts})
        return [
            app_client_id
            for app_client_id, key in keys.items()
            if (self._names_another(app_client_id, texts[key]) if key in texts else key not in needed)
        ]

    @contract_errors
    async def _needed(self, keys: set[str]) -> set[str]:
        """Those without a record of which our rows still know the client, or whose client cannot be told."""
        clients = {key: client_id for key in keys if (client_id := client_id_in(key)) is not None}
        claims = await asyncio.gather(*(self._host.claims_of(client_id) for client_id in clients.values()))
        free = {key for key, found in zip(clients, claims, strict=True) if found is None}
        for key in keys - free:
            log.warning("idp.cognito.record_missing", extra={"key": key})
        return keys - free

    def _names_another(self, app_client_id: str, text: str) -> bool:
        """Whether a record of ours does. What nobody can read may name this one."""
        record = Record.parse(text)
        if record is not None and record.app_client_id == app_client_id:
            return False
        if record is not None and self._markers.proves_client(record.client_id, record.app_client_id, record.marker):
            return True
        log.warning("idp.cognito.record_in_doubt", extra={"app_client": app_client_id})
        return False

    async def _is_old(self, app_client_id: str) -> bool:
        """One that is younger may yet get its record."""
        found = await self._app_clients.find(app_client_id)
        return found is not None and self._host.now() - found.created_at >= self._grace
