"""The parts of a process live and end together."""

import asyncio

import pytest

from tenant_api.service.errors import ServiceError
from tenant_api.service.parts import run_together

pytestmark = pytest.mark.anyio


async def until(stop: asyncio.Event, ended: list[str]) -> None:
    await stop.wait()
    ended.append("in good order")


async def test_all_parts_end_when_asked() -> None:
    stop = asyncio.Event()
    ended: list[str] = []
    asyncio.get_running_loop().call_soon(stop.set)
    await run_together({"one": until(stop, ended), "two": until(stop, ended)}, stop)
    assert len(ended) == 2


async def test_a_part_that_dies_takes_the_others_down_in_good_order() -> None:
    async def dying() -> None:
        raise RuntimeError("lost")

    stop = asyncio.Event()
    ended: list[str] = []
    with pytest.raises(ServiceError, match="The worker failed: RuntimeError"):
        await run_together({"worker": dying(), "server": until(stop, ended)}, stop)
    assert ended == ["in good order"]


async def test_a_part_that_just_ends_does_so_too() -> None:
    async def ending() -> None:
        return

    stop = asyncio.Event()
    ended: list[str] = []
    with pytest.raises(ServiceError, match="The worker ended although nobody asked"):
        await run_together({"worker": ending(), "server": until(stop, ended)}, stop)
    assert ended == ["in good order"]
