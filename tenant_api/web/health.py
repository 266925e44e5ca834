"""Whether the service runs, and whether it can work: for people, load balancers and orchestrators."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import cache

import structlog
from litestar import Controller, Response, route
from litestar.enums import HttpMethod

from tenant_api.db.migrations import is_behind, newest_revision
from tenant_api.web.binding import ApiRequest
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import Runtime, runtime_of
from tenant_api.web.wire import ReadModel

DEADLINE_SECONDS = 2.0
PROBED = [HttpMethod.GET, HttpMethod.HEAD]

Check = Callable[[Runtime], Awaitable[None]]

logger = structlog.get_logger(__name__)


class NotReadyError(Exception):
    """A check found what is wrong; the sentence holds no secret and no address."""


class Liveness(ReadModel):
    """The process answers."""

    status: str = "live"


class CheckResult(ReadModel):
    """One check; `why` is null where all is well."""

    ok: bool
    why: str | None


class Readiness(ReadModel):
    """`ready` when every check succeeded."""

    status: str
    checks: dict[str, CheckResult]


class HealthController(Controller):
    """Health. None of it needs a token or a tenant."""

    path = "/health"
    tags = ["Health"]

    @route(
        http_method=PROBED,
        opt=operation("getHealth", "Tell the server's time", PUBLIC, answers={200: str}, media_type="text/plain"),
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
    async def ready(self, request: ApiRequest) -> Response[Readiness]:
        found = await readiness(runtime_of(request), CHECKS)
        return Response(found, status_code=200 if found.status == "ready" else 503)


async def readiness(runtime: Runtime, checks: Mapping[str, Check]) -> Readiness:
    """All checks at once, each within its deadline."""
    results = await asyncio.gather(*(_result(name, check, runtime) for name, check in checks.items()))
    named = dict(zip(checks, results, strict=True))
    return Readiness(status="ready" if all(result.ok for result in results) else "not ready", checks=named)


async def _result(name: str, check: Check, runtime: Runtime) -> CheckResult:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await check(runtime)
    except NotReadyError as error:
        return CheckResult(ok=False, why=str(error))
    except TimeoutError:
        return CheckResult(ok=False, why=f"No answer within {DEADLINE_SECONDS:g} s.")
    except Exception as error:  # noqa: BLE001 - whatever a dependency does, the others must still be told
        logger.warning("health.check.failed", check=name, reason=str(error))
        return CheckResult(ok=False, why=f"Not available ({type(error).__name__}).")
    return CheckResult(ok=True, why=None)


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


async def check_identity_provider(runtime: Runtime) -> None:
    """Tokens could be judged right now."""
    await runtime.idp.check()


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
