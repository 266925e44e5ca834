"""What becomes of the drift that a comparison found: a repair within its limit, or nothing but the report."""

from collections.abc import Sequence

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from idp_providers.contract import ClientSecret, ClientSpec
from idp_providers.errors import ClientAlreadyExistsError, ClientNotFoundError
from tenant_api.db.session import driver_connection
from tenant_api.db.tables import IdentityReconciliation
from tenant_api.identity.agreement import Drift, drift_of
from tenant_api.identity.clients import drifted_clients
from tenant_api.identity.comparison import compare, reconciliation_of
from tenant_api.identity.intents import IntentRepository
from tenant_api.identity.jobs import enqueue_sync
from tenant_api.identity.report import COUNTED, Repair, summary_of
from tenant_api.identity.repository import RECONCILE, ReconciliationRepository
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.operations.plan import Outcome, Plan, Step, Task, Write
from tenant_api.plugins.claims import wanted_clients
from tenant_api.plugins.unit_of_work import joined
from tenant_api.web.state import Runtime

BATCH = 32
"""Clients that are repaired in one transaction, where the provider joins ours."""

# Whoever deletes a client waits until it is repaired, so that none is left over without its row.
LOCK = "SELECT FROM api_clients WHERE client_id = ANY(%s) ORDER BY id FOR KEY SHARE"

logger = structlog.get_logger(__name__)


async def repair(task: Task) -> Outcome:
    """Decide; then repair a batch, where the provider joins our transactions, or leave it to the job of intents."""
    row = await reconciliation_of(task)
    decided = _decision(row, transactional=task.runtime.idp.capabilities.transactional)
    if decided is Repair.DONE:
        async with task.runtime.sessions() as session:
            repository = ReconciliationRepository(session, task.tenant_id)
            keys = await repository.to_repair(task.operation_id, after=row.repaired_after, most=BATCH)
        if keys:
            return Outcome(done=False, write=_mending(task, keys), message="Repairing.")
    row.repair = decided.value
    _log(task, row)
    return Outcome(write=_deciding(task, decided), message=summary_of(row), fraction=1.0)


async def describe_rest(task: Task) -> str:
    """How far a comparison came before its deadline."""
    row = await reconciliation_of(task)
    return f"The operation ran out of time. {row.compared} clients were compared."


async def leave(_task: Task) -> Outcome:
    """What was compared and repaired before somebody cancelled the job stays as it is."""
    return Outcome(message="The comparison was called off.")


RECONCILE_PLAN = Plan(
    kind=RECONCILE,
    steps=(Step(name="compare", run=compare), Step(name="repair", run=repair)),
    undo=(Step(name="leave", run=leave),),
    overdue=describe_rest,
)


def _decision(row: IdentityReconciliation, *, transactional: bool) -> Repair:
    if row.dry_run:
        return Repair.NOT_ASKED
    if row.drifted == 0:
        return Repair.NOT_NEEDED
    if row.drifted > row.repair_limit:
        return Repair.TOO_MUCH
    return Repair.DONE if transactional else Repair.STARTED


def _deciding(task: Task, decided: Repair) -> Write:
    async def write(session: AsyncSession) -> None:
        job_id = None
        if decided is Repair.STARTED:
            await IntentRepository(session).record(drifted_clients(task.operation_id))
            job_id = await enqueue_sync(session, task.tenant_id, task.runtime.settings.workers)
        await ReconciliationRepository(session, task.tenant_id).decide(task.operation_id, decided, job_id=job_id)

    return write


def _mending(task: Task, keys: Sequence[str]) -> Write:
    """Clients beside their rows, in the transaction that records how far the repair has come."""

    async def write(session: AsyncSession) -> None:
        connection = await driver_connection(session)
        await connection.execute(LOCK, (list(keys),))
        role = task.runtime.settings.identity.client_role
        wanted = await wanted_clients(connection, keys, role=role)
        with joined(session):
            for spec in wanted.values():
                await _mend(task.runtime, spec)
        await ReconciliationRepository(session, task.tenant_id).repaired(task.operation_id, keys[-1])

    return write


async def _mend(runtime: Runtime, wanted: ClientSpec) -> None:
    """One client. Nobody knows the secret of one that is made here: resetting the credential shows a new one."""
    state = await runtime.idp.find_client(wanted.client_id)
    drift = drift_of(state, wanted, live_claims=runtime.idp.capabilities.live_claims)
    try:
        if state is None:
            secret = ClientSecret(value=generate_client_secret(runtime.settings.identity.generated_secret_length))
            await runtime.idp.create_client(wanted, secret)
        elif drift and Drift.FOREIGN not in drift:
            await runtime.idp.update_client(wanted)
    except (ClientAlreadyExistsError, ClientNotFoundError) as error:  # a request was faster
        logger.info("identity.repair.skipped", client=wanted.client_id, error=type(error).__name__)


def _log(task: Task, row: IdentityReconciliation) -> None:
    counts = {kind.value: getattr(row, column) for kind, column in COUNTED.items()}
    write = logger.warning if any(counts.values()) else logger.info
    write("identity.reconciled", tenant=task.tenant_id, compared=row.compared, repair=row.repair, **counts)
