"""The real service on temporary data: its own durable embedded PostgreSQL, workers inside, default settings."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psycopg

from benchmarks.child import Child, free_port
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
            with attached(load_settings(self._environment)) as backing:
                self.database_url = backing.database_url
                self.administrator_url = backing.provisioner_settings["admin_url"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def profiler(self) -> Profiler:
        assert self._child is not None
        return self._child.profiler

    def api(self) -> Api:
        """As the administrator."""
        own = administrator.read(self.folder / administrator.FILE)
        assert own is not None, "an embedded service makes its administrator before it answers"
        return Api(Access(url=own.url, client_id=own.client_id, client_secret=own.client_secret))

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
