"""The identity provider's system, prepared for the service with an administrator's rights."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import rich_click as click
from pydantic import BaseModel

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
@click.option("--take-over", is_flag=True, help="Also take over what somebody else made; --yes alone does not.")
@json_option
def prepare(administrator: str, dry_run: bool, yes: bool, take_over: bool, as_json: bool) -> None:
    """Show what the system behind the identity provider lacks, and do it after a yes.

    The password of the administrator is asked for, or read from TA_IDP_PASSWORD. It is used for this once; the
    service itself works with the client of its settings. Preparing again changes only what is not as it must be.
    """
    if as_json and not (yes or dry_run):
        raise click.UsageError("--json shows no plan to agree to: add --yes or --dry-run.")
    output = Output(as_json)
    plugin, settings = _preparable(load_settings(os.environ))
    password = os.environ.get(PASSWORD) or click.prompt(f"Password of {administrator}", hide_input=True, err=True)
    preparation = plugin.preparation(settings, Administrator(name=administrator, password=password))
    asyncio.run(_prepare(preparation, output, dry_run=dry_run, yes=yes, take_over=take_over))


async def _prepare(
    opening: AbstractAsyncContextManager[Preparation], output: Output, *, dry_run: bool, yes: bool, take_over: bool
) -> None:
    async with opening as preparation:
        changes = await preparation.plan()
        for change in changes:
            output.say(_line(change))
        if changes and not dry_run:
            _demand_consent(changes, yes=yes, take_over=take_over)
            async for done in preparation.apply(changes):
                output.say(f"done: {_line(done)}")
        output.result(_document(changes, applied=not dry_run), _summary(changes, dry_run=dry_run))


def _demand_consent(changes: Sequence[Change], *, yes: bool, take_over: bool) -> None:
    """To all of it at once, and besides to what takes from others."""
    if taken := [change for change in changes if change.takes_over and not take_over]:
        lines = "\n".join(map(_line, taken))
        raise click.ClickException(f"{lines}\nFind out whose it is. Nothing was done; to do this too: --take-over")
    if not yes:
        click.confirm("Do this?", abort=True, err=True)


def _preparable(settings: Settings) -> tuple[Preparable, BaseModel]:
    """The chosen plugin with its settings; PluginError if it has nothing to prepare."""
    plugin = load(IDP_PROVIDERS, settings.idp.name, IdentityProvider)
    preparable: object = plugin
    if not isinstance(preparable, Preparable):
        raise PluginError(f"The plugin {settings.idp.name!r} needs no preparation.")
    return preparable, settings_of(plugin, "idp", settings.idp.settings)


def _line(change: Change) -> str:
    return f"{change.subject}: {change.change}"


def _document(changes: Sequence[Change], *, applied: bool) -> dict[str, object]:
    return {
        "changes": [
            {"subject": change.subject, "change": change.change, "takesOver": change.takes_over} for change in changes
        ],
        "applied": applied,
    }


def _summary(changes: Sequence[Change], *, dry_run: bool) -> str:
    if not changes:
        return "Everything is as it must be."
    return f"{len(changes)} to do." if dry_run else f"{len(changes)} done."
