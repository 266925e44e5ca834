"""Binds the clients that the settings name to their tenants, before they are made or brought up to date."""

import structlog

from tenant_api.settings.tree import BootstrapClient
from tenant_api.tenants.clients import TenantClientRepository
from tenant_api.web.state import Runtime

logger = structlog.get_logger(__name__)


async def bind_clients(runtime: Runtime, clients: tuple[BootstrapClient, ...]) -> None:
    """Repeatable. A client without a tenant acts for all of them; one whose tenant is not there, for none.

    Nothing happens unless the settings ask for it: bindings that were made before keep until then.
    """
    if not runtime.settings.identity.tenant_bound_clients:
        return
    async with runtime.sessions.begin() as session:
        bindings = TenantClientRepository(session)
        for client in clients:
            if client.tenant is None:
                await bindings.free(client.id)
            elif not await bindings.bind(client.id, client.tenant):
                logger.warning("identity.client.tenant_unknown", client=client.id, tenant=client.tenant)
