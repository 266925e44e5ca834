"""App clients of ours that no record names: what a lost answer to a creation leaves behind."""

import asyncio
import logging
from collections.abc import Iterable

from idp_providers.cognito.app_clients import AppClients, Listed, Page
from idp_providers.cognito.markers import Markers
from idp_providers.cognito.parameters import Parameters
from idp_providers.cognito.records import Record
from idp_providers.cognito.settings import CognitoSettings
from idp_providers.contract import Host
from idp_providers.errors import IdpRejectedError

PAGES = 5
"""Pages of 60 app clients that one round looks at; the next round goes on behind them."""

log = logging.getLogger(__name__)


class Orphans:
    """Removes those whose name carries our proof, that no record can name, and that are older than the grace time."""

    def __init__(
        self, app_clients: AppClients, parameters: Parameters, markers: Markers, settings: CognitoSettings, host: Host
    ) -> None:
        self._app_clients = app_clients
        self._parameters = parameters
        self._markers = markers
        self._grace = settings.orphan_grace
        self._host = host
        self._after: str | None = None
        self._one_at_a_time = asyncio.Lock()

    async def sweep(self) -> None:
        """One round. Who comes while another is under way has nothing to do."""
        if self._one_at_a_time.locked():
            return
        async with self._one_at_a_time:
            for _ in range(PAGES):
                page = await self._next_page()
                for orphan in await self._unnamed(page.clients):
                    await self._remove(orphan)
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
        return [app_client_id for app_client_id, key in keys.items() if self._is_unnamed(app_client_id, texts.get(key))]

    def _is_unnamed(self, app_client_id: str, text: str | None) -> bool:
        """Only if nothing is written, or a record of ours names another. What nobody can read may name this one."""
        if text is None:
            return True
        record = Record.parse(text)
        if record is not None and record.app_client_id == app_client_id:
            return False
        if record is not None and self._markers.proves_client(record.client_id, record.app_client_id, record.marker):
            return True
        log.warning("idp.cognito.record_in_doubt", extra={"app_client": app_client_id})
        return False

    async def _remove(self, app_client_id: str) -> None:
        """One that is younger may yet get its record."""
        found = await self._app_clients.find(app_client_id)
        if found is None or self._host.now() - found.created_at < self._grace:
            return
        await self._app_clients.delete(app_client_id)
        log.info("idp.cognito.orphan_removed", extra={"app_client": app_client_id})
