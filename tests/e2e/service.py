"""A real service in a process of its own, on temporary data and a free port, and commands against it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenant_api.cli.demo.process import Process
from tenant_api.embedded import EmbeddedServer, home
from tenant_api.service import administrator, presence
from tests.parts import run
from tests.parts.ports import kept_port

START_SECONDS = 60
ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-P", "-m", "tenant_api")


@dataclass(frozen=True)
class Service:
    """A data folder, with the settings of every command that works on it."""

    folder: Path
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment(**self.settings)

    @property
    def administrator_file(self) -> Path:
        return self.folder / administrator.FILE

    @property
    def url(self) -> str:
        running = presence.running(self.folder)
        assert running is not None
        return running.url

    def start(self) -> Process:
        process = Process("serve", self.environment, self.folder / "serve.log")
        process.wait_until(lambda: presence.running(self.folder) is not None, START_SECONDS)
        return process

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return execute(*PROGRAM, *arguments, environment={**self.environment, **more})


def execute(*command: str, environment: Mapping[str, str], timeout: float = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=False, timeout=timeout, cwd="/"
    )


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without any setting of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TENANT_API_", "TA_"))}
    return {**inherited, **more}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A data folder; whatever server still runs on it in the end is stopped."""
    # Not pytest's own: that is closed to the account which the server runs as under root.
    folder = Path(tempfile.mkdtemp(prefix="e2e-", dir=run.folder())).resolve()
    try:
        yield folder
    finally:
        EmbeddedServer(folder).stop()
        if cluster := home.existing(folder):
            shutil.rmtree(cluster)
        shutil.rmtree(folder)


@contextmanager
def installed(**settings: str) -> Iterator[Service]:
    """A service that has not been started; `settings` are environment variables without their prefix."""
    with temporary_folder() as folder, kept_port() as port:
        more = {f"TENANT_API_{name}": value for name, value in settings.items()}
        own = {"TENANT_API_EMBEDDED__FOLDER": str(folder), "TENANT_API_HTTP__PORT": str(port)}
        yield Service(folder, own | more)
