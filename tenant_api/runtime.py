"""Opens the parts of one process, in order, and closes them in reverse."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from db_provisioners.contract import DatabaseProvisioner
from db_provisioners.errors import ProvisionerError, ProvisionerUnavailableError
from idp_providers.contract import IdentityProvider
from idp_providers.errors import IdpError, IdpUnavailableError
from tenant_api.backing import Backing
from tenant_api.db.connection import ServiceConnection
from tenant_api.db.session import create_engine, session_factory
from tenant_api.kernel.sealing import Sealer
from tenant_api.plugins.guard import guarded
from tenant_api.plugins.hosts import IdentityHost, ProvisionerHost
from tenant_api.plugins.registry import DB_PROVISIONERS, IDP_PROVIDERS, PluginError, load, settings_of
from tenant_api.settings.tree import Settings
from tenant_api.web.bindings import ClientBindings
from tenant_api.web.directory import TenantDirectory
from tenant_api.web.state import Pool, Runtime

PROVISIONER_SECONDS = 300.0

NEVER_BY_NUMBER = sys.maxsize
"""Plans are kept of the statements that ask for it. One of a table that was empty, the queue, must not be kept."""
FOR_ANY_VALUE = " -c plan_cache_mode=force_generic_plan"
"""Else the server plans anew for each id: it expects ten of an array that it does not know, and finds that dear.

It holds for the pool's other statements too. They look up keys and name states as literals, so that values tell a
planner little.
"""


@asynccontextmanager
async def open_runtime(settings: Settings, backing: Backing) -> AsyncIterator[Runtime]:
    """Connect to the database and open both plugins. The database must have been migrated."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(backing.database_url, settings.database.pool_size, prepared=settings.database.prepares_statements)
        )
        engine = create_engine(
            backing.database_url,
            pool_size=settings.database.pool_size,
            statement_timeout_seconds=settings.database.statement_timeout_seconds,
            lock_timeout_seconds=settings.database.lock_timeout_seconds,
        )
        stack.push_async_callback(engine.dispose)
        installation, epoch = await installation_of(pool)
        sealer = Sealer(backing.keys.sealing)
        host = IdentityHost(installation=installation, pool=pool, sealer=sealer, pepper=backing.keys.pepper)
        idp = await _open_idp(settings, host)
        stack.push_async_callback(idp.close)
        provisioner = await _open_provisioner(
            settings, backing, ProvisionerHost(installation=installation, epoch=epoch, marker=backing.keys.marker)
        )
        stack.push_async_callback(provisioner.close)
        yield Runtime(
            settings=settings,
            database_url=backing.database_url,
            installation=installation,
            keys=backing.keys,
            sealer=sealer,
            engine=engine,
            sessions=session_factory(engine),
            pool=pool,
            idp=guarded(idp, family=IdpError, unavailable=IdpUnavailableError, seconds=settings.idp.timeout_seconds),
            provisioner=guarded(
                provisioner,
                family=ProvisionerError,
                unavailable=ProvisionerUnavailableError,
                seconds=PROVISIONER_SECONDS,
            ),
            tenants=TenantDirectory(pool),
            bindings=ClientBindings(pool),
        )


@asynccontextmanager
async def open_pool(url: str, size: int, *, prepared: bool = False) -> AsyncIterator[Pool]:
    """Connections of the hot paths: autocommit, rows as dictionaries.

    With `prepared` each keeps the plans of statements that are executed with `prepare=True`: look-ups of an array of
    keys, which take the server longer to plan than to do.
    """
    kwargs: dict[str, Any] = {
        "autocommit": True,
        "row_factory": dict_row,
        "prepare_threshold": NEVER_BY_NUMBER if prepared else None,
        "options": f"-c statement_timeout=30s -c timezone=UTC{FOR_ANY_VALUE if prepared else ''}",
        "application_name": "tenant-api",
    }
    connection_class: Any = ServiceConnection
    pool: Pool = AsyncConnectionPool(
        url, connection_class=connection_class, min_size=1, max_size=size, timeout=10, open=False, kwargs=kwargs
    )
    async with pool:
        yield pool


async def installation_of(pool: Pool) -> tuple[UUID, int]:
    """Who this database makes us, and in which epoch."""
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT id, epoch FROM installations")).fetchone()
    assert row is not None, "the first migration makes this row"
    return row["id"], row["epoch"]


def chosen_idp(settings: Settings) -> tuple[type[IdentityProvider], BaseModel]:
    """The plugin that the settings name, with its own settings as it judges them; PluginError. Opens nothing."""
    plugin = load(IDP_PROVIDERS, settings.idp.name, IdentityProvider)
    if plugin.capabilities.transactional and not plugin.capabilities.live_claims:
        raise PluginError(
            f"The plugin {settings.idp.name!r} joins our transactions but stores claims, which nobody would renew."
        )
    return plugin, settings_of(plugin, "idp", settings.idp.settings)


def chosen_provisioner(settings: Settings, given: Mapping[str, str]) -> tuple[type[DatabaseProvisioner], BaseModel]:
    """As `chosen_idp`; what is `given` by what the process stands on holds unless the settings say otherwise."""
    plugin = load(DB_PROVISIONERS, settings.provisioner.name, DatabaseProvisioner)
    known = plugin.settings_model.model_fields
    defaults = {name: value for name, value in given.items() if name in known}
    return plugin, settings_of(plugin, "provisioner", {**defaults, **settings.provisioner.settings})


async def _open_idp(settings: Settings, host: IdentityHost) -> IdentityProvider:
    plugin, own = chosen_idp(settings)
    opened: IdentityProvider = await plugin.open(own, host)
    return opened


async def _open_provisioner(settings: Settings, backing: Backing, host: ProvisionerHost) -> DatabaseProvisioner:
    plugin, own = chosen_provisioner(settings, backing.provisioner_settings)
    opened: DatabaseProvisioner = await plugin.open(own, host)
    return opened
