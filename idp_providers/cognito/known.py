"""What was seen of late, so that a token costs one request and its judgement none."""

import time
from typing import Generic, TypeVar

from idp_providers.cognito.markers import key_of
from idp_providers.cognito.records import Record

MOST = 10_000

Value = TypeVar("Value")


class _Memory(Generic[Value]):
    """Forgets after a time, and the oldest when there are too many."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held: dict[str, tuple[float, Value]] = {}

    def put(self, key: str, value: Value) -> None:
        self._held.pop(key, None)
        self._held[key] = (time.monotonic(), value)
        while len(self._held) > MOST:
            del self._held[next(iter(self._held))]

    def get(self, key: str) -> Value | None:
        seen, value = self._held.get(key, (float("-inf"), None))
        return value if time.monotonic() - seen < self._seconds else None

    def drop(self, key: str) -> None:
        self._held.pop(key, None)


class KnownClients:
    """Records of clients that carried our proof. Another replica may have changed them since."""

    def __init__(self, seconds: float) -> None:
        self._by_client: _Memory[Record] = _Memory(seconds)
        self._by_app_client: _Memory[Record] = _Memory(seconds)
        self._strangers: _Memory[bool] = _Memory(seconds)

    def put(self, record: Record) -> None:
        self._by_client.put(key_of(record.client_id), record)
        self._by_app_client.put(record.app_client_id, record)

    def drop(self, record: Record) -> None:
        self._by_client.drop(key_of(record.client_id))
        self._by_app_client.drop(record.app_client_id)

    def client(self, client_id: str) -> Record | None:
        return self._by_client.get(key_of(client_id))

    def of_app_client(self, app_client_id: str) -> Record | None:
        return self._by_app_client.get(app_client_id)

    def put_stranger(self, app_client_id: str) -> None:
        """An app client of the same pool that is not ours."""
        self._strangers.put(app_client_id, value=True)

    def is_stranger(self, app_client_id: str) -> bool:
        return bool(self._strangers.get(app_client_id))
