"""Templates from the command line. An import runs here, on the database of the service."""

import asyncio
from pathlib import Path
from typing import Any

import rich_click as click

from db_provisioners.contract import ImportProgress
from tenant_api.cli.opened import opened
from tenant_api.cli.output import Output, json_option
from tenant_api.templates.importing import import_template
from tenant_api.templates.repository import TemplateRepository


@click.group()
def templates() -> None:
    """Import and list the templates that managed data stores are copied from."""


@templates.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--ddl", is_flag=True, help="The data plane changes the schema itself: its login will own the objects.")
@json_option
def import_one(name: str, file: Path, ddl: bool, as_json: bool) -> None:
    """Make a template of an archive: pg_dump's custom format or plain SQL, either gzipped.

    The archive is restored apart, checked, and becomes current at once when it is complete. Data stores that exist
    stay as they are.
    """
    output = Output(as_json)
    last = asyncio.run(_import(name, file, ddl, output))
    assert last.template is not None
    imported = {
        "name": name,
        "tables": last.tables,
        "sizeBytes": last.size_bytes,
        "fingerprint": last.template.fingerprint,
        "ddl": ddl,
        "notes": list(last.notes),
    }
    summary = f"Imported template {name}: {last.tables} tables, {last.size_bytes / 1_000_000:.1f} MB."
    output.result(imported, summary, *last.notes)


@templates.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the templates that a create may name."""
    found = asyncio.run(_current())
    Output(as_json).table(found, ("name", "tables", "sizeBytes", "ddl", "createdAt", "notes"))


async def _import(name: str, file: Path, ddl: bool, output: Output) -> ImportProgress:
    last: ImportProgress | None = None
    async with opened() as runtime:
        with output.progress(f"Importing {file.name} as {name}") as report:
            async for last in import_template(runtime, name, file, ddl=ddl):
                report(last.message, last.fraction)
    assert last is not None
    return last


async def _current() -> list[dict[str, Any]]:
    async with opened() as runtime, runtime.sessions() as session:
        rows = await TemplateRepository(session, runtime.provisioner.server).current()
    return [
        {
            "name": row.name,
            "tables": row.tables,
            "sizeBytes": row.size_bytes,
            "ddl": row.ddl,
            "createdAt": row.created_at.isoformat() if row.created_at else None,
            "notes": row.notes,
        }
        for row in rows
    ]
