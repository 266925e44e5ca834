"""The order in which a process starts and stops."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import structlog
import uvloop
from psycopg_pool import PoolTimeout
from pydantic import SecretStr

from idp_providers.errors import IdpError
from tenant_api.app import create_app
from tenant_api.backing import Backing, attached, started
from tenant_api.claim_sets.document import InvalidDocumentError
from tenant_api.claim_sets.loading import ensure_metadata
from tenant_api.connect.bootstrap import bootstrap_if_present, keep_bootstrapping
from tenant_api.connect.bound_clients import bind_clients
from tenant_api.credentials.repository import forget_answers
from tenant_api.db import migrations
from tenant_api.identity.schedule import keep_comparing
from tenant_api.identity.sweeper import keep_sweeping
from tenant_api.runtime import open_runtime
from tenant_api.service import administrator, presence
from tenant_api.service.administrator import Administrator
from tenant_api.service.errors import ServiceError
from tenant_api.service.listener import bind, local_url
from tenant_api.service.parts import run_together, stop_on_signals
from tenant_api.service.renewal import renew_seals
from tenant_api.service.schema import require_current
from tenant_api.service.web_server import answer_requests
from tenant_api.settings.tree import BootstrapClient, Settings
from tenant_api.templates.samples import ensure_samples
from tenant_api.web.operation import FULL_ACCESS
from tenant_api.web.state import Runtime
from tenant_api.worker import run_worker

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A service that accepts requests. `new_secret` is the administrator's, on the very first start only."""

    url: str
    multi_tenancy: bool
    administrator_file: Path | None = None
    new_secret: str | None = field(default=None, repr=False)


def serve(settings: Settings, ready: Callable[[Ready], None]) -> None:
    """Run the API, and workers unless told otherwise, until SIGTERM or SIGINT; `ready` is called once it answers."""
    # Until the loop takes over, a polite end must stop the embedded server as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        backing = stack.enter_context(started(settings))
        listener = stack.enter_context(bind(settings.http))
        if settings.database.migrate_on_start:
            migrations.upgrade(backing.database_url)
        else:
            require_current(backing.database_url)
        _run(_serve(settings, backing, listener, ready))


def work(settings: Settings, ready: Callable[[], None]) -> None:
    """Run a worker until SIGTERM or SIGINT, beside a service that has migrated the database."""
    with attached(settings) as backing:
        require_current(backing.database_url)
        _run(_work(settings, backing, ready))


def _run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def _serve(settings: Settings, backing: Backing, listener: socket.socket, ready: Callable[[Ready], None]) -> None:
    stop = stop_on_signals()
    folder = settings.embedded.folder
    url = local_url(settings.http)
    async with open_runtime(settings, backing) as runtime:
        own, is_new = _own_administrator(runtime, backing, url)
        clients = (_client_of(own, runtime),) if own else runtime.settings.identity.clients
        await bind_clients(runtime, clients)
        complete = await bootstrap_if_present(runtime, clients)
        await _load_claims(runtime)
        await ensure_samples(runtime)

        def answering() -> None:
            if backing.embedded:
                presence.announce(folder, url)
            logger.info("service.ready", url=url, workers=settings.workers.enabled)
            ready(
                Ready(
                    url=url,
                    multi_tenancy=settings.multi_tenancy,
                    administrator_file=folder / administrator.FILE if own else None,
                    new_secret=own.client_secret if own and is_new else None,
                )
            )

        app = create_app(runtime)
        parts = {
            "HTTP server": answer_requests(app, settings.http, listener, ready=answering, stop=stop),
            "maintenance": _maintain(runtime, stop),
        }
        if not complete:
            parts["clients of the service"] = keep_bootstrapping(runtime, clients, stop)
        if not runtime.idp.capabilities.transactional:
            parts["identity sweeper"] = keep_sweeping(runtime, stop)
        if settings.reconciliation.interval_minutes:
            parts["identity schedule"] = keep_comparing(runtime, stop)
        if settings.workers.enabled:
            parts["worker"] = run_worker(runtime, stop)
        try:
            await run_together(parts, stop)
        finally:
            logger.info("service.stopping")
            if backing.embedded:
                presence.withdraw(folder)


async def _work(settings: Settings, backing: Backing, ready: Callable[[], None]) -> None:
    stop = stop_on_signals()
    async with open_runtime(settings, backing) as runtime:
        ready()
        await run_together({"worker": run_worker(runtime, stop)}, stop)


def _own_administrator(runtime: Runtime, backing: Backing, url: str) -> tuple[Administrator | None, bool]:
    """That of an embedded service for which the settings name no clients, and whether it is new."""
    identity = runtime.settings.identity
    if identity.clients or not backing.embedded:
        if not identity.clients:
            logger.warning(
                "identity.clients.none",
                reason="Nobody can administer this service unless clients of an earlier start remain. "
                "Name one in TENANT_API_IDENTITY__CLIENTS.",
            )
        return None, False
    return administrator.prepare(runtime.settings.embedded, url, identity.generated_secret_length)


def _client_of(own: Administrator, runtime: Runtime) -> BootstrapClient:
    return BootstrapClient(
        id=own.client_id,
        secret=SecretStr(own.client_secret),
        display_name="Administrator",
        scopes=(FULL_ACCESS,),
        role=runtime.settings.identity.service_role,
    )


async def _load_claims(runtime: Runtime) -> None:
    try:
        await ensure_metadata(runtime)
    except InvalidDocumentError as error:
        raise ServiceError(f"The claims source cannot be loaded. {error}") from None


async def _maintain(runtime: Runtime, stop: asyncio.Event) -> None:
    """Do what falls due with time: at once, then every so often."""
    while not stop.is_set():
        for part in (runtime.idp.maintain, partial(renew_seals, runtime), partial(forget_answers, runtime.pool)):
            await _attempt(part)
        try:
            async with asyncio.timeout(60 * runtime.settings.identity.maintenance_minutes):
                await stop.wait()
        except TimeoutError:
            continue


async def _attempt(part: Callable[[], Awaitable[object]]) -> None:
    """A part that fails costs the others nothing; it is due again the next time."""
    try:
        await part()
    except (IdpError, psycopg.Error, PoolTimeout) as error:
        logger.warning("maintenance.failed", error=str(error))
