"""Tenants from the command line."""

import rich_click as click

from tenant_api.cli.access import Access, access_options
from tenant_api.cli.api import Api
from tenant_api.cli.output import Output, json_option


@click.group()
def tenants() -> None:
    """Create and list tenants of a running service with multi-tenancy."""


@tenants.command()
@click.argument("name")
@access_options
@json_option
def create(name: str, access: Access, as_json: bool) -> None:
    """Create a tenant."""
    with Api(access) as api:
        created = api.call("POST", "/v3/tenants", {"name": name}).body
    Output(as_json).result(created, f"Created tenant {name} ({created['id']}).")


@tenants.command("list")
@access_options
@json_option
def list_all(access: Access, as_json: bool) -> None:
    """List tenants."""
    with Api(access) as api:
        Output(as_json).table(api.get("/v3/tenants"), ("id", "name"))
