"""Processes that are made to be killed: forked from one that has imported everything and holds nothing open."""

import asyncio
import gc
import multiprocessing
import os
import socket
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from uuid import UUID

from sqlalchemy.orm import configure_mappers

from db_provisioners.contract import DatabaseProvisioner
from idp_providers.contract import IdentityProvider
from tenant_api.api_clients.issuing import issuing_in
from tenant_api.app import create_app
from tenant_api.backing import attached
from tenant_api.db.tables import DEFAULT_TENANT_ID
from tenant_api.managed_data_stores.repository import ManagedDataStoreRepository
from tenant_api.managed_data_stores.schemas import ManagedDataStoreCreate
from tenant_api.managed_data_stores.service import ManagedDataStoreService
from tenant_api.operations.repository import OperationRepository
from tenant_api.plugins.registry import DB_PROVISIONERS, IDP_PROVIDERS, load
from tenant_api.runtime import open_runtime
from tenant_api.service.web_server import answer_requests
from tenant_api.settings import load_settings
from tenant_api.tenants.removal import TenantRemovalService
from tenant_api.tenants.repository import TenantRepository
from tenant_api.tenants.service import TenantService
from tenant_api.web.state import Runtime
from tenant_api.worker import run_worker

Order = tuple[str, object]
"""What a worker asks for before it works: `("create", name)`, `("delete", id)`, `("remove", id of a tenant)`."""

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["pytest", "tests.crash.environment", __name__])

load(IDP_PROVIDERS, "self_hosted", IdentityProvider)
load(DB_PROVISIONERS, "postgresql", DatabaseProvisioner)
configure_mappers()
gc.freeze()


class Forked:
    """A process that runs until it is killed."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._process = _forking.Process(target=target, args=arguments, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()

    def join(self) -> None:
        self._process.join()


class Worker(Forked):
    """It accepts the order itself, as the API would, then works. With `wait` it first waits, all ready, for `go`."""

    def __init__(self, environ: Mapping[str, str], order: Order | None = None, *, wait: bool = False) -> None:
        self._starter, signal = _forking.Pipe()
        super().__init__(_work, dict(environ), order, signal)
        signal.close()
        if not wait:
            self.go()

    def go(self) -> None:
        """Let a waiting worker look for work."""
        self._starter.send(None)


class ApiProcess(Forked):
    """The API without workers, on a port of its own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            super().__init__(_answer, dict(environ), listener)


def _work(environ: dict[str, str], order: Order | None, signal: Connection) -> None:
    be_quiet()
    asyncio.run(_work_on(environ, order, signal))


async def _work_on(environ: dict[str, str], order: Order | None, signal: Connection) -> None:
    settings = load_settings(environ)
    with attached(settings) as backing:
        async with open_runtime(settings, backing) as runtime:
            if order:
                await accept(runtime, order)
            go = asyncio.Event()
            asyncio.get_running_loop().add_reader(signal, go.set)
            await go.wait()
            asyncio.get_running_loop().remove_reader(signal)
            await run_worker(runtime, asyncio.Event())


def _answer(environ: dict[str, str], listener: socket.socket) -> None:
    be_quiet()
    asyncio.run(_answer_on(environ, listener))


async def _answer_on(environ: dict[str, str], listener: socket.socket) -> None:
    settings = load_settings(environ)
    with attached(settings) as backing:
        async with open_runtime(settings, backing) as runtime:
            app, never = create_app(runtime), asyncio.Event()
            await answer_requests(app, settings.http, listener, ready=lambda: None, stop=never)


async def accept(runtime: Runtime, order: Order) -> UUID:
    """What the API does for a POST or a DELETE; the id of the job."""
    verb, what = order
    async with runtime.sessions.begin() as session:
        if verb == "remove":
            issuing = issuing_in(session, runtime, DEFAULT_TENANT_ID)
            tenants = TenantService(TenantRepository(session), runtime.tenants, issuing)
            removals = TenantRemovalService(session, tenants, runtime.settings.workers)
            confirmed = (await removals.describe(int(str(what)))).inventory.confirmation
            return await removals.accept(int(str(what)), confirmed)
        managed = ManagedDataStoreService(
            ManagedDataStoreRepository(session, DEFAULT_TENANT_ID),
            OperationRepository(session, DEFAULT_TENANT_ID),
            runtime,
            DEFAULT_TENANT_ID,
        )
        if verb == "create":
            wanted = ManagedDataStoreCreate.model_validate({"name": what, "databaseTemplate": "Tiny"})
            return (await managed.create(wanted))[1]
        return await managed.delete(int(str(what)))


def be_quiet() -> None:
    log = os.open(os.environ.get("CRASH_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
