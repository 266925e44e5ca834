"""Applications made over a line that loses answers, by callers who do as the documents say; what is there then."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.api import bodies
from tests.identity.outside.world import Credential
from tests.lossy.lines import Line
from tests.lossy.loss import Loss

AT_ONCE = 8
VENDORS = 4
SAMPLES = 20
SETTLING_SECONDS = 150.0
"""A client that failed several times waits up to a minute for its next try."""


@dataclass(kw_only=True)
class Figures:
    """What it took, and how much of what was there in the end, by looks past the service."""

    creations: int
    seconds: float = 0.0
    settling_seconds: float = 0.0
    dropped: int = 0
    repeated: int = 0
    at_provider: int = 0
    applications: int = 0
    api_clients: int = 0
    problems: list[str] = field(default_factory=list)

    def described(self) -> str:
        """For people."""
        return (
            f"{self.creations} creations in {self.seconds:.1f} s, in line {self.settling_seconds:.1f} s later; "
            f"{self.dropped} answers dropped, {self.repeated} requests repeated; {self.at_provider} clients at the "
            f"provider, {self.applications} rows of applications, {self.api_clients} of API clients"
        )


async def run(line: Line, loss: Loss, creations: int) -> Figures:
    """Create that many applications, then count. `problems` is empty if there are exactly as many of everything."""
    figures = Figures(creations=creations)
    before = await line.at_provider()
    vendors = [await line.world.vendor() for _ in range(VENDORS)]
    callers = Callers(line, await line.world.api.token("admin"))
    started = time.monotonic()
    async with line.world.working():
        loss.on = True
        wanted = [(vendors[number % VENDORS], f"Application {number}") for number in range(creations)]
        credentials = await callers.create_all(wanted)
        loss.on = False
        figures.seconds = time.monotonic() - started
    await line.world.brought_in_line(seconds=SETTLING_SECONDS, doubts_end=False)
    figures.settling_seconds = time.monotonic() - started - figures.seconds
    figures.dropped, figures.repeated = loss.dropped, callers.repeated
    await _count(line, figures, credentials, before)
    return figures


class Callers:
    """Repeat what was not answered, or answered with 502; see to what a lost answer had made."""

    def __init__(self, line: Line, token: str) -> None:
        self._http = line.callers
        self._headers = {"Authorization": f"Bearer {token}"}
        self.repeated = 0

    async def create_all(self, wanted: Sequence[tuple[int, str]]) -> list[Credential]:
        """A few at a time."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(vendor: int, name: str) -> Credential:
            async with gate:
                return await self._create(vendor, name)

        return await asyncio.gather(*(one(vendor, name) for vendor, name in wanted))

    async def _create(self, vendor: int, name: str) -> Credential:
        """The name is free, unless an answer of ours was lost: then the secret was too, and is replaced."""
        before = self.repeated
        answer = await self._asked("POST", "/v3/applications", json=bodies.application(vendor, applicationName=name))
        if answer.status_code == 400 and self.repeated > before:
            return await self._reset(name)
        assert answer.status_code == 201, answer.text
        credential: Credential = answer.json()
        return credential

    async def _reset(self, name: str) -> Credential:
        [application] = (await self._asked("GET", "/v3/applications", params={"applicationName": name})).json()
        [client] = (await self._asked("GET", "/v3/apiClients", params={"applicationid": application["id"]})).json()
        answer = await self._asked("PUT", f"/v3/apiClients/{client['id']}/reset-credential")
        assert answer.status_code == 200, answer.text
        credential: Credential = answer.json()
        return credential

    async def _asked(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """The answer, however often it takes to ask."""
        while True:
            try:
                answer = await self._http.request(method, path, headers=self._headers, **more)
            except httpx2.TransportError:
                self.repeated += 1
                continue
            if answer.status_code != 502:
                return answer
            self.repeated += 1


async def _count(line: Line, figures: Figures, credentials: Sequence[Credential], before: set[str]) -> None:
    world = line.world
    there = await line.at_provider() - before
    figures.at_provider = len(there)
    [rows] = await world.rows(
        "SELECT (SELECT count(*) FROM applications) AS applications, (SELECT count(*) FROM api_clients) AS api_clients"
    )
    figures.applications, figures.api_clients = rows["applications"], rows["api_clients"]
    keys = {credential["key"] for credential in credentials}
    for name, found in {"clients at the provider": there, "API clients": set(await world.in_rows())}.items():
        for what, wrong in {"missing": keys - found, "left over": found - keys}.items():
            if wrong:
                figures.problems.append(f"{name} {what}: {len(wrong)}, for example {min(wrong)}")
    for what, count in {"keys": len(keys), "applications": figures.applications}.items():
        if count != figures.creations:
            figures.problems.append(f"{count} {what}")
    for credential in credentials[:: max(1, len(credentials) // SAMPLES)]:
        claims = await world.api.claims(credential)
        if (claims["client_id"], claims["educationOrganizationIds"]) != (credential["key"], "255901"):
            figures.problems.append(f"the token of {credential['key']} says {claims}")
