"""Stops a service by its own process id."""

import os
import signal
import time
from pathlib import Path

import rich_click as click

from tenant_api.cli.output import Output, json_option
from tenant_api.embedded import EmbeddedServer
from tenant_api.service import presence
from tenant_api.service.presence import Presence
from tenant_api.settings import load_settings

PATIENCE_SECONDS = 90
POLL_SECONDS = 0.05


@click.command()
@json_option
def down(as_json: bool) -> None:
    """Stop the service of this data folder, and a database server that a killed service left behind."""
    settings = load_settings(os.environ)
    if settings.database.url is not None:
        raise click.ClickException("A service on an external database belongs to no data folder: stop its process.")
    folder = settings.embedded.folder
    running = presence.running(folder)
    if running:
        _stop(running)
    _clear_up(folder)
    said = f"Stopped the service {running.pid} at {running.url}." if running else f"No service runs on {folder}."
    Output(as_json).result({"stopped": running.pid if running else None, "folder": str(folder)}, said)


def _stop(running: Presence) -> None:
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while running.alive:
        if time.monotonic() > deadline:
            raise click.ClickException(f"The service {running.pid} has not ended after {PATIENCE_SECONDS} seconds.")
        time.sleep(POLL_SECONDS)


def _clear_up(folder: Path) -> None:
    if folder.exists():
        EmbeddedServer(folder).stop()
        presence.withdraw(folder)
