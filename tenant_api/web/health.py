"""Whether the service runs, and whether it can work: for people, load balancers and orchestrators."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import cache

import structlog
from litestar import Controller, Response, route
from litestar.datastructures import State
from litestar.enums import HttpMethod

from tenant_api.db.migrations import is_behind, newest_revision
from tenant_api.web.binding import ApiRequest
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import Runtime, runtime_of
from tenant_api.web.wire import ReadModel, like

DEADLINE_SECONDS = 2.0
FAILED_INTENTS = """
SELECT count(*) AS clients, extract(epoch FROM now() - min(since))::int AS seconds
FROM identity_intents WHERE attempts > 0
"""
# Of the last complete comparison of each tenant, what nobody is repairing.
DRIFT = """
SELECT coalesce(sum(foreign_clients + CASE WHEN repair IN ('Started', 'Done') THEN 0 ELSE drifted END), 0) AS clients
FROM (SELECT DISTINCT ON (o.tenant_id) r.* FROM identity_reconciliations r JOIN operations o ON o.id = r.operation_id
      WHERE r.compared_at IS NOT NULL ORDER BY o.tenant_id, o.number DESC) last
"""
PROBED = [HttpMethod.GET, HttpMethod.HEAD]

Check = Callable[[Runtime], Awaitable[str | None]]
"""Raises if what it looks at does not work; answers what an operator should know although it does."""
Count = Callable[[Runtime], Awaitable[int]]

logger = structlog.get_logger(__name__)


class NotReadyError(Exception):
    """A check found what is wrong; the sentence holds no secret and no address."""


class Liveness(ReadModel):
    """The process answers."""

    model_config = like({"status": "live"})

    status: str = "live"


class CheckResult(ReadModel):
    """One check; `why` is null where all is well, also beside an `ok` that deserves a remark."""

    ok: bool
    why: str | None


class Readiness(ReadModel):
    """`ready` when every check succeeded. `counts` tell of what an operator should look into and hold no names."""

    model_config = like(
        {
            "status": "ready",
            "checks": {
                "database": {"ok": True, "why": None},
                "migrations": {"ok": True, "why": None},
                "identityProvider": {"ok": True, "why": None},
                "provisioner": {"ok": True, "why": None},
            },
            "counts": {"applicationsWithoutClaimSet": 0},
        }
    )

    status: str
    checks: dict[str, CheckResult]
    counts: dict[str, int | None]


class HealthController(Controller):
    """Health. None of it needs a token or a tenant."""

    path = "/health"
    tags = ["Health"]

    @route(
        http_method=PROBED,
        opt=operation(
            "getHealth",
            "Tell the server's time",
            PUBLIC,
            answers={200: str},
            media_type="text/plain",
            example="08/21/2026 13:45:10",
        ),
    )
    async def health(self) -> Response[str]:
        return Response(f"{datetime.now().astimezone():%m/%d/%Y %H:%M:%S}", media_type="text/plain")

    @route(
        "/live",
        http_method=PROBED,
        opt=operation("getLiveness", "Tell that the process answers", PUBLIC, answers={200: Liveness}),
    )
    async def live(self) -> Liveness:
        return Liveness()

    @route(
        "/ready",
        http_method=PROBED,
        opt=operation(
            "getReadiness",
            "Tell whether everything that the service needs works",
            PUBLIC,
            answers={200: Readiness, 503: Readiness},
        ),
    )
    async def ready(self, request: ApiRequest, state: State) -> Response[Readiness]:
        found = await readiness(runtime_of(request), CHECKS, state.counts)
        return Response(found, status_code=200 if found.status == "ready" else 503)


async def readiness(runtime: Runtime, checks: Mapping[str, Check], counts: Mapping[str, Count]) -> Readiness:
    """All checks and counts at once, each within its deadline. No count keeps a service from being ready."""
    results, counted = await asyncio.gather(
        asyncio.gather(*(_result(name, check, runtime) for name, check in checks.items())),
        asyncio.gather(*(_counted(name, count, runtime) for name, count in counts.items())),
    )
    return Readiness(
        status="ready" if all(result.ok for result in results) else "not ready",
        checks=dict(zip(checks, results, strict=True)),
        counts=dict(zip(counts, counted, strict=True)),
    )


async def _result(name: str, check: Check, runtime: Runtime) -> CheckResult:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            why = await check(runtime)
    except NotReadyError as error:
        return CheckResult(ok=False, why=str(error))
    except TimeoutError:
        return CheckResult(ok=False, why=f"No answer within {DEADLINE_SECONDS:g} s.")
    except Exception as error:  # noqa: BLE001 - whatever a dependency does, the others must still be told
        logger.warning("health.check.failed", check=name, reason=str(error))
        return CheckResult(ok=False, why=f"Not available ({type(error).__name__}).")
    return CheckResult(ok=True, why=why)


async def _counted(name: str, count: Count, runtime: Runtime) -> int | None:
    """None where it could not be counted: the checks say why."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await count(runtime)
    except Exception as error:  # noqa: BLE001 - whatever a dependency does, the others must still be told
        logger.warning("health.count.failed", count=name, reason=str(error))
        return None


async def check_database(runtime: Runtime) -> None:
    """A connection comes free and answers."""
    async with runtime.pool.connection() as connection:
        await connection.execute("SELECT 1")


async def check_migrations(runtime: Runtime) -> None:
    """The database has the schema of this version, or of a later one during an upgrade."""
    async with runtime.pool.connection() as connection:
        row = await (await connection.execute("SELECT version_num FROM alembic_version")).fetchone()
    current = row["version_num"] if row else None
    if await asyncio.to_thread(_is_behind, current):
        raise NotReadyError(f"The database is at revision {current}; this version needs {newest_revision()}.")


async def check_identity_provider(runtime: Runtime) -> str | None:
    """Tokens can be judged. A remark if the provider is away, if changes wait for it, or if clients differ.

    A provider on another machine that goes away takes no process out of service that knows its keys: all replicas
    would leave the balancer together, although they can read, change and judge tokens. One that has seen no key yet
    could only refuse, and waits. So could one whose settings do not fit a provider that is there.
    """
    remarks = await _outage(runtime)
    async with runtime.pool.connection() as connection:
        failed = await (await connection.execute(FAILED_INTENTS)).fetchone()
        drift = await (await connection.execute(DRIFT)).fetchone()
    if failed and failed["clients"]:
        remarks.append(
            f"{failed['clients']} clients could not be brought in line yet, the oldest for {failed['seconds']} s."
        )
    if drift and drift["clients"]:
        remarks.append(f"{drift['clients']} clients differed from the rows at the last comparison.")
    return " ".join(remarks) or None


async def _outage(runtime: Runtime) -> list[str]:
    """What the provider fails us in; it is asked anew only where it is our own database."""
    if runtime.idp.capabilities.transactional:
        await runtime.idp.check()
        return []
    seen = await runtime.provider_health.sighting(runtime.idp)
    if seen.settings_wrong:
        raise NotReadyError("The settings do not fit the provider. The log says why.")
    if not seen.can_judge:
        raise NotReadyError(f"No token can be judged: no key of the provider is known yet ({seen.failure or 'none'}).")
    away = seen.failure and f"The provider fails ({seen.failure}). Tokens are judged with the keys that it published."
    waiting = runtime.provider_health.waiting
    late = waiting and f"The service's own clients are not up to date there yet ({waiting})."
    return [remark for remark in (away, late) if remark]


async def check_provisioner(runtime: Runtime) -> None:
    """A database could be created right now."""
    await runtime.provisioner.check()


CHECKS: Mapping[str, Check] = {
    "database": check_database,
    "migrations": check_migrations,
    "identityProvider": check_identity_provider,
    "provisioner": check_provisioner,
}


@cache
def _is_behind(current: str | None) -> bool:
    return is_behind(current)
