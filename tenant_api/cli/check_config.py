"""Checks what a service would need, without starting one."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import psycopg
import rich_click as click

from tenant_api.backing import Backing, attached
from tenant_api.cli.failures import sentence_of
from tenant_api.cli.output import Output, json_option
from tenant_api.db import migrations
from tenant_api.embedded import EmbeddedServerNotRunningError
from tenant_api.runtime import chosen_idp, chosen_provisioner, open_runtime
from tenant_api.service.schema import is_behind
from tenant_api.settings import Settings, SettingsError, load_settings

OK, WARNING, SKIPPED, FAILED = "ok", "warning", "skipped", "failed"
NOT_STARTED = {"admin_url": "postgresql://127.0.0.1/postgres"}
"""What an embedded server will give to the provisioner: its address is not known before it runs."""


class Finding(NamedTuple):
    """One thing that was checked, and what came of it."""

    check: str
    result: str
    detail: str


@click.command()
@json_option
def check_config(as_json: bool) -> None:
    """Check settings, keys, database, migrations and plugins; exit code 1 with the reasons if something is wrong.

    A warning does not fail. Of an embedded database nothing can be checked unless its service runs. Plugins are opened
    if the database is there and migrated; else their settings alone are judged.
    """
    findings = _findings()
    Output(as_json).table([finding._asdict() for finding in findings], Finding._fields)
    if reasons := [f"{finding.check}: {finding.detail}" for finding in findings if finding.result == FAILED]:
        raise click.ClickException("\n".join(reasons))


def _findings() -> list[Finding]:
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        return [Finding("settings", FAILED, problem) for problem in error.problems]
    valid = Finding("settings", OK, "valid")
    try:
        with attached(settings) as backing:
            keys = Finding("keys", OK, "complete")
            return [valid, keys, *_clients(settings), *_database(settings, backing)]
    except EmbeddedServerNotRunningError as error:
        needed = "a running service opens it"
        return [valid, Finding("database", SKIPPED, str(error)), *_unopened(settings, NOT_STARTED, needed)]
    except ValueError as error:
        return [valid, Finding("keys", FAILED, str(error))]


def _clients(settings: Settings) -> list[Finding]:
    if settings.identity.clients or settings.database.url is None:
        return []
    return [Finding("clients", WARNING, "Nobody can administer the service: TENANT_API_IDENTITY__CLIENTS is not set.")]


def _database(settings: Settings, backing: Backing) -> list[Finding]:
    reached = _checked("database", lambda: f"PostgreSQL {_server_version(backing.database_url)}")
    if reached.result == FAILED:
        return [reached, *_unopened(settings, backing.provisioner_settings, "it needs the database")]
    if not is_behind(backing.database_url):
        migrated = Finding("migrations", OK, migrations.newest_revision())
        return [reached, migrated, *asyncio.run(_plugins(settings, backing))]
    automatic = settings.database.migrate_on_start
    way = "the service migrates at its start" if automatic else "run: tenant-api migrate"
    behind = Finding("migrations", WARNING if automatic else FAILED, f"The schema is not that of this version; {way}")
    return [reached, behind, *_unopened(settings, backing.provisioner_settings, "it needs a migrated database")]


def _unopened(settings: Settings, given: Mapping[str, str], why: str) -> list[Finding]:
    """Both plugins, judged by their settings alone."""
    choices: dict[str, Callable[[], object]] = {
        f"idp {settings.idp.name}": lambda: chosen_idp(settings),
        f"provisioner {settings.provisioner.name}": lambda: chosen_provisioner(settings, given),
    }
    return [_judged(check, choose, f"its settings are valid; {why}") for check, choose in choices.items()]


def _judged(check: str, choose: Callable[[], object], valid: str) -> Finding:
    try:
        choose()
    except Exception as error:  # noqa: BLE001 - an unexpected one is raised again by _failed
        return _failed(check, error)
    return Finding(check, SKIPPED, valid)


async def _plugins(settings: Settings, backing: Backing) -> list[Finding]:
    """Open both as the service would, and ask whether they could work right now."""
    try:
        async with open_runtime(settings, backing) as runtime:
            warned: Callable[[], Awaitable[list[str]]] | None = getattr(runtime.provisioner, "risks", None)
            return [
                await _answered(f"idp {settings.idp.name}", runtime.idp.check()),
                await _answered(f"provisioner {settings.provisioner.name}", runtime.provisioner.check()),
                *(Finding("risk", WARNING, risk) for risk in (await warned() if warned else [])),
            ]
    except Exception as error:  # noqa: BLE001 - an unexpected one is raised again by _failed
        return [_failed("plugins", error)]


async def _answered(check: str, call: Awaitable[Any]) -> Finding:
    try:
        await call
    except Exception as error:  # noqa: BLE001 - an unexpected one is raised again by _failed
        return _failed(check, error)
    return Finding(check, OK, "ready")


def _checked(check: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(check, OK, look())
    except Exception as error:  # noqa: BLE001 - an unexpected one is raised again by _failed
        return _failed(check, error)


def _failed(check: str, error: Exception) -> Finding:
    sentence = sentence_of(error)
    if sentence is None:
        raise error
    return Finding(check, FAILED, sentence)


def _server_version(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        return str(connection.info.parameter_status("server_version"))
