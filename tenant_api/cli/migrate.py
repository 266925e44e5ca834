"""Migrations from the command line."""

import os

import rich_click as click

from tenant_api.backing import attached
from tenant_api.cli.output import Output, json_option
from tenant_api.db import migrations
from tenant_api.settings import load_settings


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to the schema of this version. Repeating it does nothing."""
    output = Output(as_json)
    with attached(load_settings(os.environ)) as backing:
        before = migrations.current_revision(backing.database_url)
        with output.progress("Migrating") as report:
            report(f"from {before or 'an empty database'}")
            migrations.upgrade(backing.database_url)
        after = migrations.current_revision(backing.database_url)
    line = f"The database is at {after} already." if before == after else f"The database is now at {after}."
    output.result({"before": before, "after": after}, line)
