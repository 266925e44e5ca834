"""Concurrent look-ups share reads that began after them."""

import asyncio
import gc
from collections.abc import Collection, Mapping
from contextvars import ContextVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp_providers.batching import CoalescedReader

pytestmark = pytest.mark.anyio


class Source:
    """Something slow to read, whose reads the test lets finish one by one."""

    def __init__(self) -> None:
        self.reads: list[set[str]] = []
        self.running = 0
        self.gate = asyncio.Semaphore(0)
        self.failure: Exception | None = None

    async def read_many(self, keys: Collection[str]) -> Mapping[str, str]:
        self.reads.append(set(keys))
        self.running += 1
        assert self.running == 1
        try:
            await self.gate.acquire()
        finally:
            self.running -= 1
        if self.failure:
            raise self.failure
        return {key: f"{key}@{len(self.reads)}" for key in keys if key != "absent"}


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def reader(source: Source) -> CoalescedReader[str, str]:
    return CoalescedReader(source.read_many)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_calls_during_a_read_share_the_next_one(source: Source, reader: CoalescedReader[str, str]) -> None:
    first = asyncio.create_task(reader.read("a"))
    await settle()
    later = [asyncio.create_task(reader.read(key)) for key in ("a", "b", "b", "c")]
    await settle()
    assert source.reads == [{"a"}]
    source.gate.release()
    source.gate.release()
    assert await first == "a@1"
    assert await asyncio.gather(*later) == ["a@2", "b@2", "b@2", "c@2"]
    assert source.reads == [{"a"}, {"a", "b", "c"}]


async def test_a_key_that_the_read_did_not_return_is_none(source: Source, reader: CoalescedReader[str, str]) -> None:
    source.gate.release()
    assert await reader.read("absent") is None


async def test_an_error_reaches_all_who_waited_and_nobody_else(
    source: Source, reader: CoalescedReader[str, str]
) -> None:
    source.failure = LookupError("down")
    waiting = [asyncio.create_task(reader.read(key)) for key in ("a", "b")]
    await settle()
    source.gate.release()
    assert [type(outcome) for outcome in await asyncio.gather(*waiting, return_exceptions=True)] == [LookupError] * 2
    source.failure = None
    source.gate.release()
    assert await reader.read("a") == "a@2"


async def test_a_cancelled_caller_harms_nobody(source: Source, reader: CoalescedReader[str, str]) -> None:
    staying, leaving = (asyncio.create_task(reader.read(key)) for key in ("a", "b"))
    await settle()
    leaving.cancel()
    await settle()
    assert source.running == 1
    source.gate.release()
    assert await staying == "a@1"
    assert leaving.cancelled()


async def test_a_hanging_read_ends_when_nobody_waits_for_it_any_more(
    source: Source, reader: CoalescedReader[str, str]
) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read("a"), 0.01)
    await settle()
    assert source.running == 0
    source.gate.release()
    assert await reader.read("a") == "a@2"


async def test_a_caller_does_not_join_a_batch_that_was_given_up(
    source: Source, reader: CoalescedReader[str, str]
) -> None:
    running = asyncio.create_task(reader.read("a"))
    await settle()
    given_up = asyncio.create_task(reader.read("b"))
    await settle()
    given_up.cancel()
    await asyncio.sleep(0)
    late = asyncio.create_task(reader.read("c"))
    source.gate.release()
    source.gate.release()
    assert await running == "a@1"
    assert await late == "c@2"
    assert source.reads == [{"a"}, {"c"}]


@pytest.mark.parametrize("moments", range(8))
async def test_an_error_for_which_nobody_waits_is_not_reported_as_lost(
    source: Source, reader: CoalescedReader[str, str], caplog: pytest.LogCaptureFixture, moments: int
) -> None:
    gc.collect()  # what earlier tests left is not ours to be told of
    caplog.clear()
    source.failure = LookupError("down")
    waiting = asyncio.create_task(reader.read("a"))
    await settle()
    source.gate.release()
    for _ in range(moments):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await settle()
    del waiting
    source.failure = None
    gc.collect()
    assert not caplog.records


async def test_a_shared_read_belongs_to_no_request() -> None:
    request: ContextVar[str] = ContextVar("request", default="none")
    seen = []

    async def read_many(keys: Collection[str]) -> Mapping[str, str]:
        seen.append(request.get())
        return {}

    request.set("first")
    await CoalescedReader(read_many).read("a")
    assert seen == ["none"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcde"), st.integers(0, 6), st.none() | st.integers(0, 6)), min_size=1, max_size=25
    )
)
def test_every_answer_is_at_least_as_new_as_its_call(calls: list[tuple[str, int, int | None]]) -> None:
    """Calls arrive, and some leave, at random moments; reads take random time; the truth changes at each moment."""

    async def scenario() -> None:
        now, running, reads = 0, 0, 0

        async def read_many(keys: Collection[str]) -> Mapping[str, int]:
            nonlocal running, reads
            running, reads = running + 1, reads + 1
            assert running == 1
            seen = now
            try:
                for _ in range(len(keys) % 4):
                    await asyncio.sleep(0)
            finally:
                running -= 1
            return dict.fromkeys(keys, seen)

        reader = CoalescedReader(read_many)

        async def call(key: str) -> None:
            called_at = now
            answer = await reader.read(key)
            assert answer is not None
            assert answer >= called_at

        tasks: list[tuple[int | None, asyncio.Task[None]]] = []
        for key, pause, patience in calls:
            for _ in range(pause):
                now += 1
                await asyncio.sleep(0)
            now += 1
            tasks.append((patience, asyncio.create_task(call(key))))
            for limit, task in tasks:
                if limit == pause:
                    task.cancel()
        outcomes = await asyncio.wait_for(asyncio.gather(*(t for _, t in tasks), return_exceptions=True), 60)
        assert all(outcome is None or isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        assert reads <= len(calls)

    asyncio.run(scenario())
