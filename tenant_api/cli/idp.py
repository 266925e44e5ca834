"""The identity provider's system, prepared for the service with an administrator's rights."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import rich_click as click

from idp_providers.contract import IdentityProvider
from idp_providers.preparation import Administrator, Change, Preparable, Preparation
from tenant_api.cli.output import Output, json_option
from tenant_api.plugins.registry import IDP_PROVIDERS, PluginError, load, settings_of
from tenant_api.settings import load_settings
from tenant_api.settings.tree import Settings

PASSWORD = "TA_IDP_PASSWORD"  # noqa: S105 - the name of a variable


@click.group()
def idp() -> None:
    """Prepare the system behind the chosen identity provider."""


@idp.command()
@click.option("--administrator", required=True, envvar="TA_IDP_ADMINISTRATOR", help="Who logs in there.")
@click.option("--dry-run", is_flag=True, help="Show what there is to do, and do nothing.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
def prepare(administrator: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what the system behind the identity provider lacks, and do it after a yes.

    The password of the administrator is asked for, or read from TA_IDP_PASSWORD. It is used for this once; the
    service itself works with the client of its settings. Preparing again changes only what is not as it must be.
    """
    output = Output(as_json)
    password = os.environ.get(PASSWORD) or click.prompt(f"Password of {administrator}", hide_input=True, err=True)
    asyncio.run(_prepare(Administrator(name=administrator, password=password), output, dry_run=dry_run, yes=yes))


async def _prepare(administrator: Administrator, output: Output, *, dry_run: bool, yes: bool) -> None:
    async with _preparation(load_settings(os.environ), administrator) as preparation:
        changes = await preparation.plan()
        for change in changes:
            output.say(_line(change))
        if changes and not dry_run:
            if not yes:
                click.confirm("Do this?", abort=True, err=True)
            async for done in preparation.apply(changes):
                output.say(f"done: {_line(done)}")
        output.result(_document(changes, applied=not dry_run), _summary(changes, dry_run=dry_run))


@asynccontextmanager
async def _preparation(settings: Settings, administrator: Administrator) -> AsyncIterator[Preparation]:
    plugin = load(IDP_PROVIDERS, settings.idp.name, IdentityProvider)
    preparable: object = plugin
    if not isinstance(preparable, Preparable):
        raise PluginError(f"The plugin {settings.idp.name!r} needs no preparation.")
    async with preparable.preparation(settings_of(plugin, settings.idp.settings), administrator) as preparation:
        yield preparation


def _line(change: Change) -> str:
    return f"{change.subject}: {change.change}"


def _document(changes: Sequence[Change], *, applied: bool) -> dict[str, object]:
    return {
        "changes": [{"subject": change.subject, "change": change.change} for change in changes],
        "applied": applied,
    }


def _summary(changes: Sequence[Change], *, dry_run: bool) -> str:
    if not changes:
        return "Everything is as it must be."
    return f"{len(changes)} to do." if dry_run else f"{len(changes)} done."
