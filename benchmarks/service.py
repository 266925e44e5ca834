"""The real service on temporary data: its own durable embedded PostgreSQL, workers inside, default settings."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx2
import psycopg

from benchmarks.child import Child, free_port, run_command
from benchmarks.load import HOST
from benchmarks.profiled import Profiler
from tenant_api.backing import attached
from tenant_api.cli.access import Access
from tenant_api.cli.api import Api
from tenant_api.embedded import EmbeddedServer, EmbeddedServerError, attach, home
from tenant_api.service import administrator, presence
from tenant_api.settings import load_settings

DURABILITY = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers")


class Service:
    """Starts on entering, leaves nothing behind on leaving."""

    def __init__(self) -> None:
        # No folder in between: root opens exactly this one to the account of the database server.
        self.folder = Path(tempfile.mkdtemp(prefix="tenant-api-bench-")).resolve()
        self.port = free_port()
        self._environment = {
            "TENANT_API_EMBEDDED__FOLDER": str(self.folder),
            "TENANT_API_HTTP__HOST": HOST,
            "TENANT_API_HTTP__PORT": str(self.port),
            "TENANT_API_IDP__SETTINGS__ISSUER": f"http://{HOST}:{self.port}",
        }
        self._child: Child | None = None

    def __enter__(self) -> Self:
        try:
            self._child = Child(
                "benchmarks.sampled_service",
                environment=self._environment,
                folder=self.folder,
                settled=lambda: presence.running(self.folder) is not None,
            )
            settings = load_settings(self._environment)
            self.client_role = settings.identity.client_role
            with attached(settings) as backing:
                self.keys = backing.keys
                self.database_url = backing.database_url
                self.administrator_url = backing.provisioner_settings["admin_url"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def issuer(self) -> str:
        return self._environment["TENANT_API_IDP__SETTINGS__ISSUER"]

    def key_settings(self) -> dict[str, str]:
        """Its keys, for another process on the same database: the file holds a variable per line."""
        lines = (self.folder / "keys").read_text(encoding="utf-8").split()
        return dict(line.split("=", 1) for line in lines)

    def sign_with(self, algorithm: str) -> None:
        """Let a new key of this algorithm sign, in every process: the one that waits is of the old one."""
        environment = {**self._environment, "TENANT_API_IDP__SETTINGS__ALGORITHM": algorithm}
        for _ in range(2):
            run_command("signing-keys", "rotate", "--at-once", environment=environment)

    @property
    def profiler(self) -> Profiler:
        assert self._child is not None
        return self._child.profiler

    def api(self) -> Api:
        """As the administrator."""
        own = administrator.read(self.folder / administrator.FILE)
        assert own is not None, "an embedded service makes its administrator before it answers"
        return Api(Access(url=own.url, client_id=own.client_id, client_secret=own.client_secret))

    def http(self) -> httpx2.Client:
        """Bare HTTP, for what concerns headers."""
        return httpx2.Client(base_url=f"http://{HOST}:{self.port}", timeout=60)

    def administrator_headers(self) -> dict[str, str]:
        """A token to load the service with."""
        with self.api() as api:
            token = api.request_token(api.access.client_id, api.access.client_secret).body["access_token"]
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    @property
    def superuser_url(self) -> str:
        """Of the database server, for what nobody else may see."""
        return attach(self.folder).url("tenant_api")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What the database server says to its superuser, in the service's database."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def durability(self) -> dict[str, str]:
        """The settings of the database server that decide what a commit costs."""
        shown = {name: str(self.ask(f"SHOW {name}")[0][0]) for name in ("server_version", *DURABILITY)}
        return {"PostgreSQL": shown.pop("server_version"), **shown}

    def _end(self) -> None:
        if self._child:
            self._child.stop()
        with suppress(EmbeddedServerError):
            EmbeddedServer(self.folder).stop()
        if cluster := home.existing(self.folder):
            shutil.rmtree(cluster, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
