"""What a process stands on: its database, its keys, and the server where tenants' databases go.

With `database.url` these come from settings. Without it an embedded PostgreSQL is started (or attached to), and
what it needs is generated once and kept in its data folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql

from tenant_api.embedded import EmbeddedServer, ServerAddress, attach
from tenant_api.kernel.keys import ServiceKeys, load_or_create_keys
from tenant_api.kernel.secrets import scram_verifier
from tenant_api.settings.tree import Settings

SERVICE_ROLE = "tenant_api"
PROVISIONER_ROLE = "tenant_api_provisioner"
PRIVILEGES = {SERVICE_ROLE: "NOCREATEDB NOCREATEROLE", PROVISIONER_ROLE: "CREATEDB CREATEROLE"}


@dataclass(frozen=True, kw_only=True)
class Backing:
    """The resolved database, keys and defaults of the provisioner. `repr` hides all of it."""

    database_url: str = field(repr=False)
    keys: ServiceKeys = field(repr=False)
    provisioner_settings: dict[str, str] = field(repr=False)
    embedded: bool = False


@contextmanager
def started(settings: Settings) -> Iterator[Backing]:
    """For a service: starts the embedded server, or adopts the one a killed service left, and stops it at the end."""
    if settings.database.url is not None:
        yield _external(settings)
        return
    with EmbeddedServer(settings.embedded.folder, port=settings.embedded.port) as address:
        keys = _embedded_keys(settings)
        _prepare(address, keys)
        yield _embedded(address, keys)


@contextmanager
def attached(settings: Settings) -> Iterator[Backing]:
    """For every other command: uses the embedded server that the service of this data folder runs."""
    if settings.database.url is not None:
        yield _external(settings)
    else:
        yield _embedded(attach(settings.embedded.folder), _embedded_keys(settings))


def _external(settings: Settings) -> Backing:
    assert settings.database.url is not None
    url = settings.database.url.get_secret_value()
    keys = ServiceKeys.parse(settings.keys.given())
    return Backing(database_url=url, keys=keys, provisioner_settings={"admin_url": url})


def _embedded(address: ServerAddress, keys: ServiceKeys) -> Backing:
    return Backing(
        database_url=_as_role(address, keys, SERVICE_ROLE).url(SERVICE_ROLE),
        keys=keys,
        provisioner_settings={"admin_url": _as_role(address, keys, PROVISIONER_ROLE).url("postgres")},
        embedded=True,
    )


def _embedded_keys(settings: Settings) -> ServiceKeys:
    return load_or_create_keys(settings.embedded.folder / "keys", settings.keys.given())


def _as_role(address: ServerAddress, keys: ServiceKeys, role: str) -> ServerAddress:
    """The superuser stays out of daily work; the passwords of our two roles follow from the sealing key."""
    return replace(address, user=role, password=keys.sealing.sign(f"embedded login {role}".encode()))


def _prepare(address: ServerAddress, keys: ServiceKeys) -> None:
    """Our two roles with exactly the rights they need, and the service's own database."""
    with psycopg.connect(address.url("postgres"), autocommit=True) as connection:
        for role, privileges in PRIVILEGES.items():
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            verifier = scram_verifier(_as_role(address, keys, role).password)
            altered = sql.SQL("ALTER ROLE {} {} PASSWORD {}").format(
                sql.Identifier(role), sql.SQL(privileges), sql.Literal(verifier)
            )
            connection.execute(altered)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (SERVICE_ROLE,)).fetchone():
            owner = sql.Identifier(SERVICE_ROLE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(SERVICE_ROLE)))
