"""The values that were used last, within a bound."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps values as long as their sizes together stay within the limit; what was not used longest goes first.

    Without `size` every value counts one. A value above the limit is handed on and not kept.
    """

    def __init__(self, limit: int, size: Callable[[Key, Value], int] = lambda _key, _value: 1) -> None:
        self._limit = limit
        self._size = size
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._total = 0

    def get(self, key: Key) -> Value | None:
        """The value, if it is still there; it counts as used."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: Key, value: Value) -> Value:
        """The same value, which is now the one used last."""
        if key in self._kept:
            self._total -= self._size(key, self._kept.pop(key))
        self._kept[key] = value
        self._total += self._size(key, value)
        while self._total > self._limit:
            self._total -= self._size(*self._kept.popitem(last=False))
        return value
