"""Credentials rotate while their clients ask for tokens without a pause: nobody is turned away."""

import asyncio
import time

import pytest

from tests.api.credentials.conftest import made
from tests.api.credentials.world import Credential, rotated
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

CLIENTS, ROTATIONS, FLOOD_SECONDS = 4, 6, 3.0


class Client:
    """Asks for tokens with the secret it has; a rotation hands it the new one while it runs."""

    def __init__(self, replicas: list[Api], credential: Credential) -> None:
        self.replicas = replicas
        self.credential = credential
        self.secret = credential.secret
        self.granted = 0
        self.refused: list[str] = []

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for api in self.replicas:
                answer = await api.grant({"key": self.credential.key, "secret": self.secret})
                self.granted += answer.status_code == 200
                if answer.status_code != 200:
                    self.refused.append(answer.text)


async def test_no_request_fails_while_secrets_rotate_with_overlap(service_url: str) -> None:
    async with serving(service_url) as one, serving(service_url) as other:
        clients = [Client([one, other], await made(one)) for _ in range(CLIENTS)]
        stop = asyncio.Event()
        running = [asyncio.create_task(client.run(stop)) for client in clients]
        try:
            for number in range(ROTATIONS):
                for client in clients:
                    before = client.granted
                    new = await rotated(other, client.credential, label=f"round {number}", overlapSeconds=30)
                    # The old one still works for a while: the client takes up the new one when it comes to it.
                    await _more_grants(client, before + 4)
                    client.secret = new["secret"]
                    await _more_grants(client, client.granted + 4)
        finally:
            stop.set()
            await asyncio.gather(*running)
        assert [client.refused for client in clients] == [[]] * CLIENTS
        assert all(client.granted >= 8 * ROTATIONS for client in clients)


async def _more_grants(client: Client, count: int) -> None:
    deadline = time.monotonic() + 20
    while client.granted < count:
        assert time.monotonic() < deadline, client.refused
        await asyncio.sleep(0.005)


async def test_a_flood_of_wrong_secrets_does_not_keep_good_ones_out(service_url: str) -> None:
    """Guesses at chosen secrets are slow to check; generated ones and those proven before pass beside them."""
    async with serving(service_url) as api:
        credential = await made(api)
        await api.token("reader")
        stop = asyncio.Event()
        guesses = 0

        async def guess(name: str) -> None:
            nonlocal guesses
            while not stop.is_set():
                guesses += 1
                await api.grant({"key": f"{name}-{guesses}", "secret": f"guess {guesses}"})
                await api.grant({"key": "admin", "secret": f"guess {guesses}"})

        flood = [asyncio.create_task(guess(f"nobody-{number}")) for number in range(20)]
        slowest = 0.0
        try:
            ends = time.monotonic() + FLOOD_SECONDS
            while time.monotonic() < ends:
                started = time.monotonic()
                assert await credential.works(api)
                form = {"key": "reader", "secret": "ValidClientSecret1234567890!Abcd"}
                assert (await api.grant(form)).status_code == 200
                slowest = max(slowest, time.monotonic() - started)
        finally:
            stop.set()
            await asyncio.gather(*flood)
        assert guesses > 20
        assert slowest < 2.0
