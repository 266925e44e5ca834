"""Many concurrent look-ups, one query: always fresh, never cached."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from contextvars import Context
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Batch(Generic[Key, Value]):
    """The keys of one read to come, and the callers that still wait for it."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.waiting: set[asyncio.Future[Mapping[Key, Value]]] = set()
        self.read: asyncio.Task[Mapping[Key, Value]] | None = None

    def answer(self, read: asyncio.Task[Mapping[Key, Value]]) -> None:
        """Hand what became of the read to those who wait."""
        failure = None if read.cancelled() else read.exception()
        for caller in self.waiting:
            if caller.done() or read.cancelled():
                caller.cancel()
            elif failure is not None:
                caller.set_exception(failure)
            else:
                caller.set_result(read.result())


class CoalescedReader(Generic[Key, Value]):
    """Answers concurrent single look-ups with shared reads of many keys.

    Every call is answered by a read that began after the call did, so it sees whatever was committed before.
    One read runs at a time; calls that arrive meanwhile share the next one. An error of a read reaches all who
    waited for it. A caller that is cancelled leaves alone; a read for which nobody waits any more is cancelled,
    so that a hanging one holds up its callers no longer than their own deadlines.
    """

    def __init__(self, read_many: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._read_many = read_many
        self._one_at_a_time = asyncio.Lock()
        self._gathering: _Batch[Key, Value] | None = None

    async def read(self, key: Key) -> Value | None:
        """The value of `key` as of now, or None if the read did not return one."""
        batch = self._gathering or self._gather()
        batch.keys.add(key)
        answer: asyncio.Future[Mapping[Key, Value]] = asyncio.get_running_loop().create_future()
        batch.waiting.add(answer)
        try:
            return (await answer).get(key)
        finally:
            batch.waiting.discard(answer)
            if not batch.waiting:
                self._abandon(batch)

    def _gather(self) -> _Batch[Key, Value]:
        batch: _Batch[Key, Value] = _Batch()
        # An empty context: a shared read belongs to no request, whichever happened to start it.
        batch.read = asyncio.create_task(self._run(batch), context=Context())
        batch.read.add_done_callback(batch.answer)
        self._gathering = batch
        return batch

    async def _run(self, batch: _Batch[Key, Value]) -> Mapping[Key, Value]:
        async with self._one_at_a_time:
            if self._gathering is batch:
                self._gathering = None
            return await self._read_many(batch.keys)

    def _abandon(self, batch: _Batch[Key, Value]) -> None:
        if self._gathering is batch:
            self._gathering = None
        if batch.read is not None:
            batch.read.cancel()
