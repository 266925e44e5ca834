"""The command: stage and service around the story."""

import os
import shutil
import signal
import sys

import rich_click as click

from tenant_api.cli.demo.stage import Stage
from tenant_api.cli.demo.story import Story
from tenant_api.cli.demo.temporary_service import TemporaryService, settings_of_idp
from tenant_api.cli.output import Output, json_option


@click.command()
@click.option("--keep", is_flag=True, help="Keep data and logs, and say where.")
@click.option(
    "--configured-idp",
    is_flag=True,
    help="Use the identity provider of TENANT_API_IDP__…; what is made there stays, so give it a realm of its own.",
)
@json_option
def demo(keep: bool, configured_idp: bool, as_json: bool) -> None:
    """Tell the whole story on temporary data and a free port: create, use, kill a worker, resume, delete, prove.

    It starts a real service and clears everything away in the end, also on failure and on Ctrl-C. Exit code 1 with
    the reason if anything is not as it should be.
    """
    idp = settings_of_idp(os.environ) if configured_idp else None
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stage = Stage(Output(as_json))
    with TemporaryService(keep=keep, idp=idp) as service:
        if keep:
            click.echo(f"Data and logs will be kept in {service.folder}", err=True)
        Story(stage, service).tell()
        seconds = stage.seconds
    lines = ["", f"All of it took {seconds:.1f} s. What to do next:", *_next(service if keep else None)]
    kept = str(service.folder) if keep else None
    stage.output.result({"seconds": round(seconds, 1), "kept": kept, "steps": stage.steps}, *lines)


def _next(kept: TemporaryService | None) -> list[str]:
    program = "tenant-api" if shutil.which("tenant-api") else sys.argv[0]
    ways = {
        f"{program} serve": "a service that stays; in a checkout: make up",
        f"{program} templates import --help": "data stores from an archive of yours",
        "examples/tour.sh, tour.py, tour.ps1": "the same story with curl, Python and PowerShell",
    }
    if kept:
        ways[f"TENANT_API_EMBEDDED__FOLDER={kept.folder} {program} serve"] = "the kept data again"
    return [f"  {way}\n      {what}" for way, what in ways.items()]
