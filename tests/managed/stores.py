"""Managed data stores through HTTP, followed to their end."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tenant_api.kernel.connection_strings import decode
from tenant_api.worker import run_worker
from tests.api.service import Api

MANAGE = "/v3/dataStores/manage"
GIVE_UP = 60.0

Body = dict[str, Any]


@asynccontextmanager
async def at_work(api: Api) -> AsyncIterator[None]:
    """A worker inside the service for the length of a block."""
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(api.runtime, stop))
    try:
        yield
    finally:
        stop.set()
        await worker


@dataclass(frozen=True)
class Stores:
    """`tenant` is the header of every call."""

    api: Api
    tenant: str | None = None

    async def accepted(self, name: str, template: str = "Tiny") -> Body:
        answer = await self.api.post(MANAGE, {"name": name, "databaseTemplate": template}, tenant=self.tenant)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def created(self, name: str) -> Body:
        """One that a worker has finished."""
        return await self.reaches((await self.accepted(name))["id"], "Created")

    async def shown(self, managed_id: int) -> Body:
        answer = await self.api.get(f"{MANAGE}/{managed_id}", tenant=self.tenant)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def job(self, job_id: str) -> Body:
        answer = await self.api.get(f"/v3/jobs/{job_id}", tenant=self.tenant)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def reaches(self, managed_id: int, *statuses: str) -> Body:
        give_up = time.monotonic() + GIVE_UP
        while (shown := await self.shown(managed_id))["status"] not in statuses:
            assert time.monotonic() < give_up, shown
            await asyncio.sleep(0.05)
        return shown

    async def delete_all(self) -> None:
        """Let everything come to its end, and then delete it."""
        rows = (await self.api.get(MANAGE, tenant=self.tenant)).json()
        for row in rows:
            await self.reaches(row["id"], "Created", "CreateError", "DeleteError", "Deleted")
        for row in rows:
            await self.api.delete(f"{MANAGE}/{row['id']}", tenant=self.tenant)
        for row in rows:
            await self.reaches(row["id"], "Deleted")


def as_data_plane(api: Api, shown: Mapping[str, Any]) -> psycopg.Connection:
    """Connect with what GET /v3/dataStores says."""
    text = decode(shown["connectionString"], api.runtime.keys.connection_strings)
    parts = dict(part.split("=", 1) for part in text.rstrip(";").split(";"))
    return psycopg.connect(
        host=parts["host"],
        port=parts["port"],
        user=parts["username"],
        password=parts["password"],
        dbname=parts["database"],
    )


def on_server(url: str, beginning: str) -> list[str]:
    """Databases and roles whose names begin so, as the server has them."""
    query = """
    SELECT 'database ' || datname FROM pg_database WHERE starts_with(datname, %(beginning)s)
    UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE starts_with(rolname, %(beginning)s) ORDER BY 1
    """
    with psycopg.connect(url, autocommit=True) as connection:
        return [row[0] for row in connection.execute(query, {"beginning": beginning})]


def parts_of(name: str) -> list[str]:
    """What a managed database consists of."""
    return [f"database {name}", f"role {name}", f"role {name}_owner"]


@contextmanager
def foreign_database(url: str, name: str) -> Any:
    """A database that somebody else made, with a table in it; the block's end removes it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            yield
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
