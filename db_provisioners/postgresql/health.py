"""How a tenant's database is, seen with the tenant's own login."""

import time

from db_provisioners.contract import Health
from db_provisioners.errors import ProvisionerError
from db_provisioners.postgresql.counts import count_rows
from db_provisioners.postgresql.failures import translated
from db_provisioners.postgresql.server import Login, Server

_FACTS = """
SELECT current_setting('server_version'),
       extract(epoch FROM now() - pg_postmaster_start_time())::bigint,
       pg_database_size(current_database())
"""


async def measure(server: Server, login: Login, owners: tuple[str, ...], *, seconds: float) -> Health:
    """An unreachable database is an answer."""
    try:
        with translated():
            return await _measured(server, login, owners, seconds)
    except ProvisionerError as error:
        return Health(available=False, detail=str(error))


async def _measured(server: Server, login: Login, owners: tuple[str, ...], seconds: float) -> Health:
    started = time.perf_counter()
    async with server.visit(login) as visitor:
        await visitor.execute("SELECT 1")
        latency = (time.perf_counter() - started) * 1000
        found = await visitor.execute(_FACTS)
        row = await found.fetchone()
        assert row is not None
        counts = await count_rows(visitor, owners, seconds=seconds)
    return Health(
        available=True,
        latency_ms=round(latency, 1),
        server_version=str(row[0]),
        uptime_seconds=int(row[1]),
        size_bytes=int(row[2]),
        counts=counts.rows,
        estimated=tuple(counts.estimated),
    )
