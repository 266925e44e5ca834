"""The two commands that run until they are told to stop."""

import os
import shlex
import shutil
import sys
from typing import Any

import rich_click as click

from tenant_api.cli.output import Output, json_option
from tenant_api.kernel.logging import setup_logging
from tenant_api.service import process
from tenant_api.service.process import Ready
from tenant_api.settings import Settings, load_settings

PROGRAM = "tenant-api"


@click.command()
@json_option
def serve(as_json: bool) -> None:
    """Run the API, with workers inside unless TENANT_API_WORKERS__ENABLED is false.

    Without TENANT_API_DATABASE__URL it starts an embedded PostgreSQL in its data folder. SIGTERM and Ctrl-C end it
    in good order: requests are finished, running jobs are handed back.
    """
    output = Output(as_json)
    process.serve(_settings(), lambda ready: _announce(output, ready))


@click.command()
@json_option
def work(as_json: bool) -> None:
    """Run a worker only, on the database of a service that has been started."""
    output = Output(as_json)
    process.work(
        _settings(), lambda: output.result({"ready": True, "pid": os.getpid()}, f"Worker {os.getpid()} is ready.")
    )


def _settings() -> Settings:
    settings = load_settings(os.environ)
    setup_logging(settings.log)
    return settings


def _announce(output: Output, ready: Ready) -> None:
    value: dict[str, Any] = {"url": ready.url, "administratorFile": str(ready.administrator_file or "") or None}
    lines = [f"The service is ready at {ready.url}"]
    if ready.administrator_file:
        lines.append(f"Administrator: {ready.administrator_file}")
    if ready.new_secret:
        value["administratorSecret"] = ready.new_secret
        lines.append(f"Its secret, shown this once: {ready.new_secret}")
    lines += ["Try in another terminal:", *(f"  {command}" for command in _suggestions(ready))]
    output.result(value, *lines)
    sys.stdout.flush()


def _suggestions(ready: Ready) -> list[str]:
    """Three commands that work as printed."""
    program = PROGRAM if shutil.which(PROGRAM) else shlex.quote(sys.argv[0])
    known = f"TA_ADMINISTRATOR={shlex.quote(str(ready.administrator_file))} " if ready.administrator_file else ""
    tenant = " --tenant Springfield" if ready.multi_tenancy else ""
    create = f'{known}{program} data-stores create "Year 2026" --template Sample --wait{tenant}'
    listed = f"{known}{program} data-stores list{tenant}"
    ask = f"curl {ready.url}/health/ready"
    if not known:
        return [ask, f"curl {ready.url}/openapi/v1.json", f"{program} --help"]
    return [f"{known}{program} tenants create Springfield" if ready.multi_tenancy else ask, create, listed]
