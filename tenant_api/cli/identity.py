"""Clients at the identity provider from the command line."""

from typing import Any

import rich_click as click

from tenant_api.cli.access import Access, access_options
from tenant_api.cli.api import Api
from tenant_api.cli.following import watch
from tenant_api.cli.output import Output, json_option

PATH = "/v3/identity"
COLUMNS = ("kind", "count", "clientIds")
REPAIRS = {
    "NotAsked": "Nothing was changed. To repair what differs: --repair",
    "NotNeeded": "There is nothing to repair.",
    "TooMuch": "More differs than the limit of {limit}: nothing was changed. To raise it: --limit",
    "Started": "Repaired by job {repairJobId}.",
    "Done": "Repaired.",
}


@click.group()
def identity() -> None:
    """Clients of a running service at its identity provider."""


@identity.command()
@click.option("--repair", is_flag=True, help="Repair what differs; without it, only report.")
@click.option("--limit", type=click.IntRange(min=1), help="Repair nothing if more clients differ than this.")
@access_options
@json_option
def reconcile(repair: bool, limit: int | None, access: Access, as_json: bool) -> None:
    """Compare the clients at the identity provider with the rows of a tenant; with --repair bring them in line."""
    output = Output(as_json)
    with Api(access) as api:
        body = {"dryRun": not repair, "limit": limit}
        job_id = api.call("POST", f"{PATH}/reconcile", body).body["jobId"]
        watch(api, output, job_id)
        report: dict[str, Any] = api.get(f"{PATH}/reconciliations/{job_id}")
        if report["repairJobId"]:
            watch(api, output, report["repairJobId"])
    show_report(output, report)
    if repair and report["repair"] == "TooMuch":
        raise click.ClickException("Nothing was repaired.")


def show_report(output: Output, report: dict[str, Any]) -> None:
    """A report for people: what differs, as far as anything does, and what became of it."""
    if output.as_json:
        output.document(report)
        return
    if differing := [{"kind": kind, **found} for kind, found in report["drift"].items() if found["count"]]:
        output.table(differing, COLUMNS)
    output.say(f"{report['compared']} compared, {report['drifted']} to repair, {report['underWay']} under way.")
    output.say(REPAIRS[report["repair"] if report["drifted"] else "NotNeeded"].format(**report))
