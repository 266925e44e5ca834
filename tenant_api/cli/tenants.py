"""Tenants from the command line."""

from dataclasses import replace
from typing import Any

import rich_click as click

from tenant_api.cli.access import Access, access_options
from tenant_api.cli.api import Api
from tenant_api.cli.following import watch
from tenant_api.cli.output import Output, json_option

PATH = "/v3/tenants"


@click.group()
def tenants() -> None:
    """Tenants of a running service with multi-tenancy, from their first day to their last."""


@tenants.command()
@click.argument("name")
@access_options
@json_option
def create(name: str, access: Access, as_json: bool) -> None:
    """Create a tenant."""
    with Api(access) as api:
        created = api.call("POST", PATH, {"name": name}).body
    Output(as_json).result(created, f"Created tenant {name} ({created['id']}).")


@tenants.command("list")
@access_options
@json_option
def list_all(access: Access, as_json: bool) -> None:
    """List tenants."""
    with Api(access) as api:
        Output(as_json).table(api.get(PATH), ("id", "name"))


@tenants.command()
@click.argument("id", type=int)
@click.argument("name")
@access_options
@json_option
def rename(id: int, name: str, access: Access, as_json: bool) -> None:
    """Give a tenant another name; what belongs to it stays."""
    with Api(access) as api:
        api.call("PUT", f"{PATH}/{id}", {"id": id, "name": name})
    Output(as_json).result({"id": id, "name": name}, f"Tenant {id} is now called {name}.")


@tenants.command()
@click.argument("id", type=int)
@access_options
@json_option
def suspend(id: int, access: Access, as_json: bool) -> None:
    """Stop serving a tenant; nothing of it is lost."""
    _order("suspend", id, access, as_json)


@tenants.command()
@click.argument("id", type=int)
@access_options
@json_option
def resume(id: int, access: Access, as_json: bool) -> None:
    """Serve a suspended tenant again."""
    _order("resume", id, access, as_json)


@tenants.command()
@click.argument("id", type=int)
@click.option("--confirmation", metavar="TEXT", help="Remove it now; as the command said without this option.")
@access_options
@json_option
def remove(id: int, confirmation: str | None, access: Access, as_json: bool) -> None:
    """Tell what belongs to a tenant; with --confirmation remove exactly that, its databases included."""
    output = Output(as_json)
    with Api(replace(access, tenant=None)) as api:  # the job belongs to no tenant that could be removed
        if confirmation is None:
            _describe(output, api.get(f"{PATH}/{id}/removal"), as_json=as_json)
            return
        job_id = api.call("POST", f"{PATH}/{id}/removal", {"confirmation": confirmation}).body["jobId"]
        job = watch(api, output, job_id)
    output.result(job, f"Tenant {id} is removed.")


def _describe(output: Output, removal: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(removal)
        return
    rows = [
        {"kind": kind, "count": found["count"], "names": ", ".join(found["names"])}
        for kind, found in removal["contents"].items()
        if found["count"]
    ]
    output.table(rows, ("kind", "count", "names"))
    output.say(f"To remove tenant {removal['name']} with all of this: --confirmation {removal['confirmation']}")


def _order(verb: str, id: int, access: Access, as_json: bool) -> None:
    with Api(access) as api:
        api.call("POST", f"{PATH}/{id}/{verb}")
        status = api.get(f"{PATH}/{id}/status")
    told = "suspended" if status["suspended"] else "served"
    Output(as_json).result(status, f"Tenant {status['name']} is {told}.")
