"""Managed data stores from the command line."""

from typing import Any

import rich_click as click

from tenant_api.cli.access import Access, access_options
from tenant_api.cli.api import Api
from tenant_api.cli.following import watch
from tenant_api.cli.output import Output, json_option

PATH = "/v3/dataStores/manage"
COLUMNS = ("id", "name", "status", "databaseTemplate", "databaseName", "dataStoreId")

wait_option = click.option("--wait", is_flag=True, help="Follow the job to its end; exit code 1 if it fails.")


@click.group()
def data_stores() -> None:
    """Create, watch and delete managed data stores of a running service."""


@data_stores.command()
@click.argument("name")
@click.option("--template", required=True, help="The template to copy; see: tenant-api templates list")
@wait_option
@access_options
@json_option
def create(name: str, template: str, wait: bool, access: Access, as_json: bool) -> None:
    """Create a database from a template."""
    output = Output(as_json)
    with Api(access) as api:
        accepted = api.call("POST", PATH, {"name": name, "databaseTemplate": template}).body
        _after_acceptance(api, output, accepted, wait)


@data_stores.command("list")
@click.option("--all", "with_deleted", is_flag=True, help="Show deleted ones too.")
@access_options
@json_option
def list_all(with_deleted: bool, access: Access, as_json: bool) -> None:
    """List managed data stores."""
    with Api(access) as api:
        found = api.get(PATH)
    items = [item for item in found if with_deleted or item["status"] != "Deleted"]
    Output(as_json).table(items, COLUMNS)


@data_stores.command()
@click.argument("id", type=int)
@access_options
@json_option
def show(id: int, access: Access, as_json: bool) -> None:
    """Show one managed data store."""
    with Api(access) as api:
        Output(as_json).members(api.get(f"{PATH}/{id}"))


@data_stores.command()
@click.argument("id", type=int)
@access_options
@json_option
def health(id: int, access: Access, as_json: bool) -> None:
    """Measure a database now; exit code 1 if it is not available."""
    with Api(access) as api:
        measured = api.get(f"{PATH}/{id}/health")
    Output(as_json).members(measured)
    if not measured["available"]:
        raise click.ClickException(f"The database is not available. {measured['detail']}".rstrip())


@data_stores.command()
@click.argument("id", type=int)
@wait_option
@access_options
@json_option
def delete(id: int, wait: bool, access: Access, as_json: bool) -> None:
    """Delete a database and everything in it."""
    output = Output(as_json)
    with Api(access) as api:
        accepted = api.call("DELETE", f"{PATH}/{id}").body
        _after_acceptance(api, output, accepted, wait)


def _after_acceptance(api: Api, output: Output, accepted: dict[str, Any], wait: bool) -> None:
    if wait:
        output.say(f"Accepted as managed data store {accepted['id']}.")
        watch(api, output, accepted["jobId"])
        output.members(api.get(f"{PATH}/{accepted['id']}"))
    else:
        follow_up = f"Follow it with: tenant-api jobs watch {accepted['jobId']}"
        output.result(accepted, f"Accepted as managed data store {accepted['id']}.", follow_up)
