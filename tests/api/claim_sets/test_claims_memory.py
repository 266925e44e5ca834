"""What a process remembers about claims belongs to the right tenant, is as new as promised, and has a bound."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.claim_sets.memory import ClaimsMemory
from tenant_api.claim_sets.recent import Recent
from tenant_api.db.session import SessionFactory
from tests.api.bodies import unique
from tests.api.service import Api

pytestmark = pytest.mark.anyio


class Late:
    """Sessions before each of which something else is committed."""

    def __init__(self, sessions: SessionFactory, change: Callable[[], Awaitable[Any]]) -> None:
        self._sessions = sessions
        self._change = change

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        await self._change()
        async with self._sessions.begin() as session:
            yield session


async def test_a_change_at_the_worst_moment_reaches_no_other_tenant(fleet: Api) -> None:
    north, south = [await fleet.made("/v3/tenants", {"name": name}) for name in ("North", "South")]
    name = unique("Set")

    async def change() -> None:
        body = {"claimSetName": name}
        await fleet.post("/v3/claimSets", body, tenant="North")

    sessions = cast("SessionFactory", Late(fleet.runtime.sessions, change))
    memory = ClaimsMemory(fleet.runtime.pool, sessions)
    changed = await memory.metadata(north, None)
    other = await memory.metadata(south, None)
    assert changed
    assert name in changed.body.decode()
    assert other
    assert name not in other.body.decode()
    again = await memory.metadata(north, None)
    assert again
    assert again.etag == changed.etag


async def test_names_that_no_set_has_are_answered_from_memory(shared: Api) -> None:
    sessions = shared.runtime.sessions
    opened = []

    async def count() -> None:
        opened.append(1)

    memory = ClaimsMemory(shared.runtime.pool, cast("SessionFactory", Late(sessions, count)))
    answers = [await memory.metadata(0, unique("Nowhere")) for _ in range(5)]
    assert [answer.body for answer in answers if answer] == [b"[]"] * 5
    assert len(opened) == 1
    known = await memory.metadata(0, "SISVendor")
    everything = await memory.metadata(0, None)
    assert known
    assert everything
    assert len(opened) == 1
    assert [entry["claimSetName"] for entry in json.loads(known.body)] == ["SISVendor"]
    assert json.loads(known.body)[0]["claims"] == json.loads(everything.body)[0]["claims"]


def test_what_was_not_used_longest_is_forgotten_first() -> None:
    recent: Recent[str, str] = Recent(10, size=lambda _, value: len(value))
    for key in ("a", "b", "c"):
        assert recent.keep(key, "1234") == "1234"
        recent.get("a")
    assert [recent.get(key) for key in ("a", "b", "c")] == ["1234", None, "1234"]
    recent.keep("a", "12")
    recent.keep("d", "1234")
    assert [recent.get(key) for key in ("a", "c", "d")] == ["12", "1234", "1234"]


def test_what_is_greater_than_the_bound_is_handed_on_and_not_kept() -> None:
    recent: Recent[str, str] = Recent(3, size=lambda _, value: len(value))
    assert recent.keep("a", "1234") == "1234"
    assert recent.get("a") is None
    recent.keep("b", "123")
    assert recent.get("b") == "123"
