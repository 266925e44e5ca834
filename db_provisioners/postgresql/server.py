"""Connections to one PostgreSQL server: the administrator's and the tenants'."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from pydantic import SecretStr

from db_provisioners.errors import ProvisionerConfigurationError
from db_provisioners.postgresql.failures import translated
from db_provisioners.postgresql.settings import PostgresqlSettings

Connection = psycopg.AsyncConnection[TupleRow]

# What other logins inherit from the administrator's URL: the way to the server, never credentials or options.
_WAY = (
    "host", "hostaddr", "port", "sslmode", "sslrootcert", "sslcrl", "sslnegotiation", "gssencmode", "channel_binding",
)  # fmt: skip
# In the startup packet, so that neither ALTER ROLE … SET nor ALTER DATABASE … SET can change them.
_PINNED = "-c search_path=pg_catalog,pg_temp -c client_min_messages=error -c standard_conforming_strings=on"


@dataclass(frozen=True)
class Login:
    """A login other than the administrator's, in one database."""

    database: str
    user: str
    password: SecretStr


class Server:
    """Opens short-lived autocommit connections; at most `calls_at_once` calls hold one of the administrator's."""

    def __init__(self, settings: PostgresqlSettings) -> None:
        self._settings = settings
        self._administrator = _parsed(settings.admin_url)
        self._way = {key: str(self._administrator[key]) for key in _WAY if key in self._administrator}
        self._free = asyncio.Semaphore(settings.calls_at_once)

    @property
    def tenant_host(self) -> str:
        return self._settings.tenant_host or str(self._administrator.get("host", "localhost"))

    @property
    def tenant_port(self) -> int:
        return self._settings.tenant_port or int(str(self._administrator.get("port", 5432)))

    @asynccontextmanager
    async def administer(self) -> AsyncIterator[Connection]:
        """The administrator's session of one call; a call waits while too many others have theirs."""
        async with self._free, self._as_administrator({}) as connection:
            yield connection

    @asynccontextmanager
    async def enter(self, database: str) -> AsyncIterator[Connection]:
        """The administrator inside a database: only where no login but his and an archive's was ever let in."""
        async with self._as_administrator({"dbname": database}) as connection:
            yield connection

    @asynccontextmanager
    async def without_limits(self, session: str) -> AsyncIterator[Connection]:
        """The administrator in a session of that name (its application_name), for statements of any length."""
        options = f"{_PINNED} -c statement_timeout=0"
        async with self._as_administrator({"application_name": session, "options": options}) as connection:
            yield connection

    @asynccontextmanager
    async def visit(
        self, login: Login, *, read_only: bool = True, seconds: float | None = None
    ) -> AsyncIterator[Connection]:
        """A session with the rights of that login and no others: nothing planted in the database gains by it."""
        limit = _milliseconds(seconds or self._settings.statement_timeout)
        options = f"{_PINNED} -c statement_timeout={limit} -c lock_timeout={limit} -c row_security=on"
        if read_only:
            options += " -c default_transaction_read_only=on"
        credentials = {"dbname": login.database, "user": login.user, "password": login.password.get_secret_value()}
        async with self._connected({**self._way, **credentials, "options": options}) as connection:
            yield connection

    def without_password(self, login: Login) -> str:
        """A connection string for a command line; the password travels by a file."""
        timeout = self._settings.connect_timeout
        return make_conninfo("", **self._way, dbname=login.database, user=login.user, connect_timeout=timeout)

    @asynccontextmanager
    async def _as_administrator(self, wanted: Mapping[str, object]) -> AsyncIterator[Connection]:
        limit = _milliseconds(self._settings.statement_timeout)
        options = f"{_PINNED} -c statement_timeout={limit} -c lock_timeout={limit}"
        async with self._connected({**self._administrator, "options": options, **wanted}) as connection:
            yield connection

    @asynccontextmanager
    async def _connected(self, parameters: Mapping[str, object]) -> AsyncIterator[Connection]:
        with translated():
            connection = await psycopg.AsyncConnection.connect(
                **{
                    "connect_timeout": self._settings.connect_timeout,
                    "application_name": "tenant-api",
                    "client_encoding": "utf8",
                    "keepalives_idle": 5,
                    "tcp_user_timeout": 30_000,
                    **parameters,
                },  # type: ignore[arg-type]  # libpq's keywords, which psycopg types as Any beside its own
                autocommit=True,
                prepare_threshold=None,
            )
        async with connection:
            yield connection


def _parsed(url: SecretStr) -> dict[str, object]:
    try:
        parameters = dict(conninfo_to_dict(url.get_secret_value()))
    except psycopg.Error:
        message = "The administrator's URL of the postgresql provisioner cannot be read."
        raise ProvisionerConfigurationError(message) from None
    if "," in str(parameters.get("host", "")):
        raise ProvisionerConfigurationError("The postgresql provisioner takes one host, not a list.")
    return {key: value for key, value in parameters.items() if key != "options"}


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
