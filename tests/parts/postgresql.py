"""A PostgreSQL 15, the oldest that we support: `TEST_POSTGRESQL_URL` (of a superuser), else Debian's programs."""

import os
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tenant_api.embedded import ServerAddress
from tests.parts import run
from tests.parts.missing import missing

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def postgresql_15_server() -> ServerAddress:
    if url := os.environ.get("TEST_POSTGRESQL_URL"):
        return _address_of(url)
    if not (PROGRAMS / "postgres").exists():
        missing(f"No PostgreSQL 15: TEST_POSTGRESQL_URL is not set and {PROGRAMS} holds no server.")
    return run.shared_server("postgresql-15", PROGRAMS)


def _address_of(url: str) -> ServerAddress:
    given = conninfo_to_dict(url)
    return ServerAddress(
        host=str(given.get("host") or "127.0.0.1"),
        port=int(given.get("port") or 5432),
        user=str(given.get("user") or "postgres"),
        password=str(given.get("password") or ""),
        pid=0,
    )
