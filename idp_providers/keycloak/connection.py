"""One connection to the administration API, with one token for all calls at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from httpx import Response
from keycloak import KeycloakOpenIDConnection
from keycloak.connection import ConnectionManager

from idp_providers.errors import IdpDeniedError, InvalidClientError, UnauthorizedClientError
from idp_providers.keycloak.endpoints import Credentials, RealmEndpoints
from idp_providers.keycloak.settings import KeycloakSettings

LIFETIME_USED = 0.9
"""Part of a token's lifetime after which it is renewed before the next call."""


class AdminConnection(KeycloakOpenIDConnection):
    """python-keycloak's connection, which renews a token once for every call that finds it expired.

    Here all calls share one token and one renewal: a call renews only the token that it saw fail. A call that is
    answered with 401 is repeated once with a new token; 401 means that it had no effect.
    """

    def __init__(self, settings: KeycloakSettings, realm: str, credentials: Credentials, login: RealmEndpoints) -> None:
        super().__init__(
            server_url=settings.server,
            realm_name=realm,
            verify=settings.tls(),
            timeout=settings.timeout_seconds,  # type: ignore[arg-type]  # httpx takes fractions of seconds
            pool_maxsize=settings.connections,
        )
        self._credentials = credentials
        self._login = login
        self._renewal = asyncio.Lock()
        self._usable_until = 0.0
        self.algorithm = ""
        """By which the realm signed our token."""

    async def a_raw_get(self, *args: Any, **kwargs: Any) -> Response:
        return await self._sent(ConnectionManager.a_raw_get, *args, **kwargs)

    async def a_raw_post(self, *args: Any, **kwargs: Any) -> Response:
        return await self._sent(ConnectionManager.a_raw_post, *args, **kwargs)

    async def a_raw_put(self, *args: Any, **kwargs: Any) -> Response:
        return await self._sent(ConnectionManager.a_raw_put, *args, **kwargs)

    async def a_raw_delete(self, *args: Any, **kwargs: Any) -> Response:
        return await self._sent(ConnectionManager.a_raw_delete, *args, **kwargs)

    async def _sent(self, send: Callable[..., Awaitable[Response]], *args: Any, **kwargs: Any) -> Response:
        if time.monotonic() >= self._usable_until:
            await self._renew(self.token)
        used = self.token
        answer = await send(self, *args, **kwargs)
        if answer.status_code == 401:
            await self._renew(used)
            answer = await send(self, *args, **kwargs)
        return answer

    async def _renew(self, spent: object) -> None:
        """Get another token than `spent`; whoever waited for the same finds it done."""
        async with self._renewal:
            if self.token is not spent and time.monotonic() < self._usable_until:
                return
            asked = time.monotonic()
            try:
                granted = await self._login.grant(self._credentials)
            except (InvalidClientError, UnauthorizedClientError):
                refused = True
            else:
                refused = False
                self.token = granted.model_dump()
                self.algorithm = granted.algorithm
                self._usable_until = asked + granted.expires_in * LIFETIME_USED
        if refused:
            raise IdpDeniedError("Keycloak refuses the id or the secret of our own client.")
