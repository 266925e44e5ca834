"""The engine's composition root: which kinds of operations exist, and a worker that runs them."""

import asyncio

from tenant_api.identity.repair import RECONCILE_PLAN
from tenant_api.identity.steps import SYNC_PLAN
from tenant_api.managed_data_stores.steps import CREATE_PLAN, DELETE_PLAN
from tenant_api.operations.plan import Plans
from tenant_api.operations.worker import Worker
from tenant_api.tenants.removal_steps import REMOVE_PLAN
from tenant_api.web.state import Runtime

PLANS: Plans = {plan.kind: plan for plan in (CREATE_PLAN, DELETE_PLAN, REMOVE_PLAN, SYNC_PLAN, RECONCILE_PLAN)}


async def run_worker(runtime: Runtime, stop: asyncio.Event, plans: Plans = PLANS) -> None:
    """Work until `stop` is set; running steps are then finished or handed back."""
    await Worker(runtime, plans).run(stop)
