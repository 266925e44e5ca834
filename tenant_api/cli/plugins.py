"""Installed plugins."""

import os

import rich_click as click

from tenant_api.cli.output import Output, json_option
from tenant_api.plugins.registry import DB_PROVISIONERS, IDP_PROVIDERS, installed
from tenant_api.settings import load_settings


@click.command()
@json_option
def plugins(as_json: bool) -> None:
    """List installed plugins, by family, and which of them is chosen."""
    settings = load_settings(os.environ)
    chosen = {IDP_PROVIDERS: settings.idp.name, DB_PROVISIONERS: settings.provisioner.name}
    found = [
        {
            "family": plugin.group.removeprefix("tenant_api."),
            "name": plugin.name,
            "chosen": plugin.name == name,
            "package": f"{plugin.distribution} {plugin.version}",
        }
        for group, name in chosen.items()
        for plugin in installed(group)
    ]
    Output(as_json).table(found, ("family", "name", "chosen", "package"))
