"""A host for identity providers on a real database, with a clock and claims that tests can set."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from idp_providers.contract import ClientClaims, Pool
from tenant_api.kernel.keys import KeyRing, generate_keys
from tenant_api.kernel.sealing import Sealer

KEYS, INSTALLATION = generate_keys(), str(uuid4())
"""All hosts are of one installation."""


class LocalHost:
    """What the service lends, from one pool. `signed_calls` and `claims_calls` count the work of a grant."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.installation = INSTALLATION
        self.pepper = KeyRing.parse(KEYS["pepper"])
        self.sealer = Sealer(KeyRing.parse(KEYS["sealing"]))
        self.claims: dict[str, ClientClaims] = {}
        self.shift = timedelta(0)
        self.signed_calls = 0
        self.claims_calls = 0
        self._unit_of_work: ContextVar[AsyncConnection[DictRow] | None] = ContextVar("unit", default=None)

    @asynccontextmanager
    async def unit_of_work(self, *, commit: bool = True) -> AsyncIterator[None]:
        """A request's transaction: provider calls inside it commit or roll back with it."""
        async with self.pool.connection() as connection, connection.transaction(force_rollback=not commit):
            token = self._unit_of_work.set(connection)
            try:
                yield
            finally:
                self._unit_of_work.reset(token)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        joined = self._unit_of_work.get()
        if joined is not None:
            async with joined.transaction():
                yield joined
            return
        async with self.pool.connection() as connection, connection.transaction():
            yield connection

    async def row(self, query: str, *parameters: object) -> DictRow:
        """The one row that a query finds."""
        async with self.pool.connection() as connection:
            [row] = await (await connection.execute(query, parameters)).fetchall()
        return row

    async def age_secrets(self, client_id: str, age: timedelta) -> None:
        """Let time pass for the secrets of a client: their times are judged by the database's clock."""
        async with self.pool.connection() as connection:
            await connection.execute(
                """
                update idp_client_secrets
                set created_at = created_at - %(age)s,
                    not_before = not_before - %(age)s,
                    expires_at = expires_at - %(age)s
                where client_id = %(client_id)s
                """,
                {"age": age, "client_id": client_id},
            )

    @contextmanager
    def as_another_installation(self) -> Iterator[None]:
        """Within it, these keys are in another's hands."""
        own, self.installation = self.installation, str(uuid4())
        try:
            yield
        finally:
            self.installation = own

    def rotate_pepper(self) -> None:
        """Put a new key in front of the ring."""
        newest = KeyRing.parse(generate_keys()["pepper"].replace("k1:", f"k{len(self.pepper.keys) + 1}:")).newest
        self.pepper = KeyRing((newest, *self.pepper.keys))

    def seal(self, plain: bytes, context: str) -> str:
        return self.sealer.seal(plain, context)

    def unseal(self, sealed: str, context: str) -> bytes:
        return self.sealer.unseal(sealed, context)

    def rewrap(self, sealed: str, context: str) -> str:
        return self.sealer.rewrap(sealed, context)

    def sign(self, message: bytes) -> str:
        return self.pepper.sign(message)

    def signed(self, message: bytes, signature: str) -> bool:
        self.signed_calls += 1
        return self.pepper.signed(message, signature)

    def is_newest(self, signature: str) -> bool:
        return self.pepper.is_newest(signature)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    async def claims_of(self, client_id: str) -> ClientClaims | None:
        self.claims_calls += 1
        return self.claims.get(client_id)


@asynccontextmanager
async def host_on(url: str) -> AsyncIterator[LocalHost]:
    """Lend a host with a pool of its own."""
    pool: Pool = AsyncConnectionPool(
        url, min_size=0, max_size=8, open=False, kwargs={"autocommit": True, "row_factory": dict_row}
    )
    async with pool:
        yield LocalHost(pool)
