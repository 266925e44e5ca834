"""Jobs from the command line."""

import rich_click as click

from tenant_api.cli.access import Access, access_options
from tenant_api.cli.api import Api
from tenant_api.cli.following import Job, stage, watch
from tenant_api.cli.output import Output, json_option

PATH = "/v3/jobs"
COLUMNS = ("id", "kind", "target", "status", "createdAt", "finishedAt")


@click.group()
def jobs() -> None:
    """Follow, cancel and retry jobs of a running service."""


@jobs.command("list")
@access_options
@json_option
def list_all(access: Access, as_json: bool) -> None:
    """List jobs."""
    with Api(access) as api:
        Output(as_json).table(api.get(PATH), COLUMNS)


@jobs.command()
@click.argument("id", type=click.UUID)
@access_options
@json_option
def show(id: str, access: Access, as_json: bool) -> None:
    """Show one job with its steps."""
    with Api(access) as api:
        job = api.get(f"{PATH}/{id}")
    output = Output(as_json)
    if as_json:
        output.document(job)
    else:
        output.members({name: value for name, value in job.items() if name != "steps"})
        output.table(job["steps"], ("name", "attempt", "startedAt", "finishedAt"))


@jobs.command("watch")
@click.argument("id", type=click.UUID)
@access_options
@json_option
def watch_one(id: str, access: Access, as_json: bool) -> None:
    """Follow a job to its end; exit code 1 if it fails."""
    output = Output(as_json)
    with Api(access) as api:
        job = watch(api, output, str(id))
    if as_json:
        output.document(job)


@jobs.command()
@click.argument("id", type=click.UUID)
@access_options
@json_option
def cancel(id: str, access: Access, as_json: bool) -> None:
    """Ask a job to stop before its next step and to take back what it made."""
    _order("cancel", id, access, as_json)


@jobs.command()
@click.argument("id", type=click.UUID)
@access_options
@json_option
def retry(id: str, access: Access, as_json: bool) -> None:
    """Run a failed or cancelled job again."""
    _order("retry", id, access, as_json)


def _order(verb: str, id: str, access: Access, as_json: bool) -> None:
    with Api(access) as api:
        job: Job = api.call("POST", f"{PATH}/{id}/{verb}").body
    Output(as_json).result(job, f"Asked to {verb} job {id}. It is now: {stage(job)}")
