"""The client scopes of the realm: a claim set reaches a token as a scope of its name."""

import asyncio
import logging
import re
import time
from collections.abc import Iterable

from idp_providers.errors import ClientNotFoundError, IdpRejectedError
from idp_providers.keycloak.administration import Administration, StoredScope
from idp_providers.keycloak.markers import Markers
from idp_providers.keycloak.representation import MARKER, StoredClient
from idp_providers.keycloak.settings import SCOPE_NAME

MEMORY_SECONDS = 300.0
"""How long a scope that was seen is taken to be there. Keycloak ignores scopes that are not, without a word."""

IN_TOKEN = "include.in.token.scope"  # noqa: S105 - the name of an attribute
OIDC = "openid-connect"

log = logging.getLogger(__name__)


class ClientScopes:
    """Makes scopes where they are needed, and never lends one that somebody else made.

    Another application of the realm may stand behind a scope: who could name a claim set after it would get its
    rights. A scope counts if it carries our marker or the settings name it.
    """

    def __init__(self, administration: Administration, markers: Markers, trusted: Iterable[str]) -> None:
        self._administration = administration
        self._markers = markers
        self._trusted = frozenset(trusted)
        self._ids: dict[str, str] = {}
        self._ours: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()

    async def require(self, names: Iterable[str]) -> None:
        """Let the scopes exist: one call for each that is new, one for all that were not seen of late, else none.

        IdpRejectedError for a name that Keycloak does not take, and for somebody else's scope.
        """
        for name in names:
            if not re.fullmatch(SCOPE_NAME, name):
                raise IdpRejectedError(
                    f"Keycloak takes no scope named {name!r}: 1 to 255 characters of ASCII, "
                    "without blanks, quotation marks and backslashes."
                )
            async with self._one_at_a_time:
                if time.monotonic() - self._ours.get(name, time.monotonic()) >= MEMORY_SECONDS:
                    await self._read()
                if name not in self._ours:
                    await self._make(name)

    def forget(self, names: Iterable[str]) -> None:
        """Whoever needs these scopes next looks again: they may be gone, or somebody else's."""
        for name in names:
            self._ours.pop(name, None)
            self._ids.pop(name, None)

    async def read(self) -> None:
        """Learn which scopes there are."""
        await self._read()

    async def renew(self) -> None:
        """The same, and sign anew what an older key has signed. One call for each of these, once per change of keys."""
        found = await self._read()
        for scope in found:
            marker = self._markers.of_scope(scope.name)
            held = scope.attributes.get(MARKER)
            if not self._markers.proves_scope(scope.name, held):
                continue
            if scope.mappers:
                log.warning("idp.keycloak.scope_altered", extra={"scope": scope.name})
            if held != marker:
                await self._administration.update_scope(scope.id, representation(scope.name, marker))

    async def detach_all_but(self, client: StoredClient, default: Iterable[str], optional: Iterable[str]) -> None:
        """Take what is no longer held, before anything new is given."""
        for name in set(client.default_scopes) - set(default):
            await self._detach(client.id, name, optional=False)
        for name in set(client.optional_scopes) - set(optional):
            await self._detach(client.id, name, optional=True)

    async def attach(self, client: StoredClient, default: Iterable[str], optional: Iterable[str]) -> None:
        """Give what the client does not have yet. Scopes that vanished since they were seen are made again."""
        for name in set(default) - set(client.default_scopes):
            await self._attach(client.id, name, optional=False)
        for name in set(optional) - set(client.optional_scopes):
            await self._attach(client.id, name, optional=True)

    async def _attach(self, client: str, name: str, *, optional: bool) -> None:
        try:
            await self._administration.attach(client, await self._id(name), optional=optional)
        except ClientNotFoundError:  # either of both may be gone
            self.forget([name])
        else:
            return
        await self.require([name])
        await self._administration.attach(client, await self._id(name), optional=optional)

    async def _detach(self, client: str, name: str, *, optional: bool) -> None:
        try:
            await self._administration.detach(client, await self._id(name), optional=optional)
        except ClientNotFoundError:
            self.forget([name])
        else:
            return
        await self._read()
        if name in self._ids:
            await self._administration.detach(client, self._ids[name], optional=optional)

    async def _read(self) -> list[StoredScope]:
        found = [scope for scope in await self._administration.scopes() if scope.protocol == OIDC]
        self._ids = {scope.name: scope.id for scope in found}
        self._ours = dict.fromkeys((scope.name for scope in found if self._counts(scope)), time.monotonic())
        return found

    async def _make(self, name: str) -> None:
        made = await self._administration.create_scope(representation(name, self._markers.of_scope(name)))
        if made is not None:
            self._ids[name] = made
            self._ours[name] = time.monotonic()
            return
        await self._read()
        if name not in self._ours:
            raise IdpRejectedError(f"The realm has a client scope {name!r} that this installation did not make.")

    async def _id(self, name: str) -> str:
        if name not in self._ids:
            await self._read()
        if name not in self._ids:
            raise IdpRejectedError(f"The realm has lost its client scope {name!r}.")
        return self._ids[name]

    def _counts(self, scope: StoredScope) -> bool:
        shown = scope.attributes.get(IN_TOKEN) == "true"
        proven = self._markers.proves_scope(scope.name, scope.attributes.get(MARKER))
        return shown and (proven or scope.name in self._trusted)


def representation(name: str, marker: str | None = None) -> dict[str, object]:
    """A client scope that does nothing but show its name in tokens."""
    attributes = {IN_TOKEN: "true", "display.on.consent.screen": "false"}
    return {"name": name, "protocol": OIDC, "attributes": attributes | ({MARKER: marker} if marker else {})}
