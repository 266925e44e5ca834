"""Connection strings of data stores: sealed at rest, in the agreed encryption on the way to data planes."""

from dataclasses import dataclass
from typing import Self

import structlog

from tenant_api.db.sealed import connection_string_of, derivative_connection_string_of
from tenant_api.db.tables import DataStore, DataStoreDerivative
from tenant_api.kernel import connection_strings
from tenant_api.kernel.keys import ServiceKeys
from tenant_api.kernel.sealing import Sealer, SealError
from tenant_api.web.state import Runtime

Reachable = DataStore | DataStoreDerivative

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ConnectionStrings:
    """Opaque texts in any dialect: never parsed, tried or refused for what they say."""

    sealer: Sealer
    keys: ServiceKeys

    @classmethod
    def of(cls, runtime: Runtime) -> Self:
        """With the keys of this process."""
        return cls(runtime.sealer, runtime.keys)

    def put(self, row: Reachable, connection_string: str | None) -> None:
        """Seal for this row, which has its id; nothing or the empty text wipes what was there."""
        row.connection_string_sealed = (
            self.sealer.seal(connection_string.encode(), _context(row)) if connection_string else None
        )

    def for_data_planes(self, row: Reachable) -> str | None:
        """What a read shows: encrypted under the key that data planes share with us (contract section 2.4).

        SealError if no key of ours opens it. A read then fails as a whole: a data plane keeps what it read before,
        while null would tell it that the data store has no database any more. The log names the row.
        """
        if row.connection_string_sealed is None:
            return None
        try:
            plain = self.sealer.unseal(row.connection_string_sealed, _context(row)).decode()
        except SealError as error:
            table = row.__tablename__
            logger.error("connection_string.unreadable", table=table, id=row.id, reason=str(error))  # noqa: TRY400 - traced where it is answered
            raise
        return connection_strings.encode(plain, self.keys.connection_strings)


def _context(row: Reachable) -> str:
    assert row.id is not None
    return connection_string_of(row.id) if isinstance(row, DataStore) else derivative_connection_string_of(row.id)
