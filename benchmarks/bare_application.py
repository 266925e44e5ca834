"""The baseline of the HTTP sections: Litestar, a psycopg pool, and nothing else. Here, vendors."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from litestar import Litestar, Response, get, post
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks import bare_lists, bare_tokens
from benchmarks.bare_pool import Pool
from benchmarks.load import HOST
from benchmarks.sampler import install_sampler
from tenant_api.service.listener import bind
from tenant_api.service.web_server import answer_requests
from tenant_api.settings.tree import DatabaseSettings, HttpSettings

URL_VARIABLE = "BENCHMARK_DATABASE_URL"
DOCUMENT_VARIABLE = "BENCHMARK_DOCUMENT"
READ = """
SELECT id, company, contact_name, contact_email_address, namespace_prefixes
FROM vendors WHERE id = %s AND tenant_id = 0
"""
WRITE = """
INSERT INTO vendors (tenant_id, company, contact_name, contact_email_address, namespace_prefixes, created_by)
VALUES (0, %s, %s, %s, %s, 'bare')
ON CONFLICT ON CONSTRAINT uq_vendors_tenant_id_company_twin DO UPDATE
SET contact_name = excluded.contact_name, contact_email_address = excluded.contact_email_address,
    namespace_prefixes = excluded.namespace_prefixes, modified_at = now(), modified_by = 'bare'
RETURNING id, xmax = 0 AS is_new
"""


@dataclass
class NewVendor:
    """The body of a POST, with its names as on the wire."""

    company: str
    contactName: str  # noqa: N815 - see above
    contactEmailAddress: str  # noqa: N815 - see above
    namespacePrefixes: str  # noqa: N815 - see above


def create_app(pool: Pool, document: Path) -> Litestar:
    """One route without a database; the others do the queries and the inserts of the service."""

    @get("/static")
    async def static() -> dict[str, str]:
        return {"status": "ok"}

    @get("/vendors/{vendor_id:int}")
    async def read(vendor_id: int) -> dict[str, Any]:
        row = await _one(pool, READ, vendor_id)
        return {
            "id": row["id"],
            "company": row["company"],
            "contactName": row["contact_name"],
            "contactEmailAddress": row["contact_email_address"],
            "namespacePrefixes": ",".join(row["namespace_prefixes"]),
        }

    @post("/vendors")
    async def write(data: NewVendor) -> Response[None]:
        prefixes = data.namespacePrefixes.split(",")
        row = await _one(pool, WRITE, data.company, data.contactName, data.contactEmailAddress, prefixes)
        return Response(None, status_code=201 if row["is_new"] else 200, headers={"Location": f"/vendors/{row['id']}"})

    others = [*bare_lists.routes(pool, document), *bare_tokens.routes(pool)]
    return Litestar([static, read, write, *others], logging_config=None, openapi_config=None)


async def _one(pool: Pool, query: str, *values: Any) -> DictRow:
    async with pool.connection() as connection:
        row = await (await connection.execute(query.encode(), values)).fetchone()
    assert row is not None
    return row


async def _serve(database_url: str, document: Path, port: int) -> None:
    """As many connections as the service has, and its options of uvicorn."""
    kwargs: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}
    size = DatabaseSettings().pool_size
    pool: Pool = AsyncConnectionPool(database_url, min_size=1, max_size=size, open=False, kwargs=kwargs)
    http = HttpSettings(host=HOST, port=port)
    with bind(http) as listener:
        async with pool:
            await answer_requests(create_app(pool, document), http, listener, ready=lambda: None, stop=asyncio.Event())


if __name__ == "__main__":
    install_sampler()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(os.environ[URL_VARIABLE], Path(os.environ[DOCUMENT_VARIABLE]), int(sys.argv[1])))
