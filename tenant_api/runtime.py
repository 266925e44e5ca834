"""Opens the parts of one process, in order, and closes them in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from db_provisioners.contract import DatabaseProvisioner
from db_provisioners.errors import ProvisionerError, ProvisionerUnavailableError
from idp_providers.contract import IdentityProvider
from idp_providers.errors import IdpError, IdpUnavailableError
from tenant_api.backing import Backing
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


@asynccontextmanager
async def open_runtime(settings: Settings, backing: Backing) -> AsyncIterator[Runtime]:
    """Connect to the database and open both plugins. The database must have been migrated."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(backing.database_url, settings.database.pool_size))
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
async def open_pool(url: str, size: int) -> AsyncIterator[Pool]:
    """Connections of the hot paths: autocommit, rows as dictionaries."""
    kwargs: dict[str, Any] = {
        "autocommit": True,
        "row_factory": dict_row,
        "prepare_threshold": None,
        "options": "-c statement_timeout=30s -c timezone=UTC",
        "application_name": "tenant-api",
    }
    pool: Pool = AsyncConnectionPool(url, min_size=1, max_size=size, timeout=10, open=False, kwargs=kwargs)
    async with pool:
        yield pool


async def installation_of(pool: Pool) -> tuple[UUID, int]:
    """Who this database makes us, and in which epoch."""
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT id, epoch FROM installations")).fetchone()
    assert row is not None, "the first migration makes this row"
    return row["id"], row["epoch"]


async def _open_idp(settings: Settings, host: IdentityHost) -> IdentityProvider:
    plugin = load(IDP_PROVIDERS, settings.idp.name, IdentityProvider)
    if plugin.capabilities.transactional and not plugin.capabilities.live_claims:
        raise PluginError(
            f"The plugin {settings.idp.name!r} joins our transactions but stores claims, which nobody would renew."
        )
    opened: IdentityProvider = await plugin.open(settings_of(plugin, settings.idp.settings), host)
    return opened


async def _open_provisioner(settings: Settings, backing: Backing, host: ProvisionerHost) -> DatabaseProvisioner:
    plugin = load(DB_PROVISIONERS, settings.provisioner.name, DatabaseProvisioner)
    known = plugin.settings_model.model_fields
    defaults = {name: value for name, value in backing.provisioner_settings.items() if name in known}
    given = {**defaults, **settings.provisioner.settings}
    opened: DatabaseProvisioner = await plugin.open(settings_of(plugin, given), host)
    return opened
