"""Connection strings of data stores: sealed at rest, in the agreed encryption on the way to data planes."""

from dataclasses import dataclass

from tenant_api.db.sealed import connection_string_of
from tenant_api.db.tables import DataStore
from tenant_api.kernel import connection_strings
from tenant_api.kernel.keys import ServiceKeys
from tenant_api.kernel.sealing import Sealer


@dataclass(frozen=True)
class ConnectionStrings:
    """Opaque texts in any dialect: never parsed, tried or refused for what they say."""

    sealer: Sealer
    keys: ServiceKeys

    def put(self, store: DataStore, connection_string: str | None) -> None:
        """Seal for this row, which has its id; nothing or the empty text wipes what was there."""
        store.connection_string_sealed = (
            self.sealer.seal(connection_string.encode(), _context(store)) if connection_string else None
        )

    def for_data_planes(self, store: DataStore) -> str | None:
        """What a read shows: encrypted under the key that data planes share with us (contract section 2.4)."""
        if store.connection_string_sealed is None:
            return None
        plain = self.sealer.unseal(store.connection_string_sealed, _context(store)).decode()
        return connection_strings.encode(plain, self.keys.connection_strings)


def _context(store: DataStore) -> str:
    assert store.id is not None
    return connection_string_of(store.id)
