"""What a process shares between its requests, and what a request carries."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine

from db_provisioners.contract import DatabaseProvisioner
from idp_providers.contract import IdentityProvider
from tenant_api.db.session import SessionFactory
from tenant_api.db.tables import DEFAULT_TENANT_ID
from tenant_api.kernel.keys import ServiceKeys
from tenant_api.kernel.sealing import Sealer
from tenant_api.settings.tree import Settings
from tenant_api.web.bindings import ClientBindings
from tenant_api.web.directory import TenantDirectory
from tenant_api.web.provider_health import ProviderHealth

Connection = ASGIConnection[Any, Any, Any, Any]
Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The open parts of one process. `pool` serves the hot paths, `engine` the requests' units of work."""

    settings: Settings
    database_url: str
    installation: UUID
    keys: ServiceKeys
    sealer: Sealer
    engine: AsyncEngine
    sessions: SessionFactory
    pool: Pool
    idp: IdentityProvider
    provisioner: DatabaseProvisioner
    tenants: TenantDirectory
    bindings: ClientBindings
    provider_health: ProviderHealth = field(default_factory=ProviderHealth)

    def __repr__(self) -> str:
        return f"Runtime(installation={self.installation})"


def runtime_of(connection: Connection) -> Runtime:
    """The parts of this process."""
    runtime: Runtime = connection.app.state.runtime
    return runtime


def tenant_of(connection: Connection) -> int:
    """The id of the addressed tenant; the default one in single-tenant mode."""
    tenant_id: int = connection.scope.get("state", {}).get("tenant_id", DEFAULT_TENANT_ID)
    return tenant_id
