"""Where the running service is and as whom to speak to it, from options, a file, or the data folder."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from tenant_api.service import administrator, presence
from tenant_api.service.listener import local_url
from tenant_api.settings import load_settings

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Access:
    """A service, a client of it, and the tenant that requests address."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    tenant: str | None = None


def access_options(command: Command) -> Command:
    """The options of every command that talks to a running service, handed over as one `access`."""

    @wraps(command)
    def with_access(
        *args: Any,
        url: str | None,
        client_id: str | None,
        client_secret: str | None,
        administrator_file: Path | None,
        tenant: str | None,
        **others: Any,
    ) -> Any:
        access = _find(url, client_id, client_secret, administrator_file, tenant)
        return command(*args, access=access, **others)

    for option in reversed(OPTIONS):
        with_access = option(with_access)
    return with_access  # type: ignore[return-value]  # the same command with more options


OPTIONS = (
    click.option("--url", envvar="TA_URL", metavar="URL", help="Address of the service."),
    click.option("--client-id", envvar="TA_CLIENT_ID", metavar="ID", help="OAuth client of the service."),
    click.option(
        "--client-secret", envvar="TA_CLIENT_SECRET", metavar="SECRET", help="Its secret; better by environment."
    ),
    click.option(
        "--administrator",
        "administrator_file",
        envvar="TA_ADMINISTRATOR",
        type=click.Path(dir_okay=False, path_type=Path),
        help="File with address and credentials, as the service writes it.",
    ),
    click.option("--tenant", envvar="TA_TENANT", metavar="NAME", help="The tenant, with multi-tenancy."),
)


def _find(
    url: str | None, client_id: str | None, client_secret: str | None, file: Path | None, tenant: str | None
) -> Access:
    if bool(client_id) != bool(client_secret):
        raise click.UsageError("Client id and client secret are needed together.")
    if url is None or client_id is None or client_secret is None:
        known_url, known = _known(file)
        url = url or known_url
        if client_id is None or client_secret is None:
            if known is None:
                raise click.ClickException(
                    "No credentials. Set TA_CLIENT_ID and TA_CLIENT_SECRET, or TA_ADMINISTRATOR to the "
                    "administrator file of the service."
                )
            client_id, client_secret = known.client_id, known.client_secret
    return Access(url=url.rstrip("/"), client_id=client_id, client_secret=client_secret, tenant=tenant)


def _known(file: Path | None) -> tuple[str, administrator.Administrator | None]:
    """The address and the administrator of a file, else of the service on this data folder."""
    if file is not None:
        known = administrator.read(file)
        if known is None:
            raise click.ClickException(f"There is no administrator file {file}.")
        return known.url, known
    settings = load_settings(os.environ)
    running = presence.running(settings.embedded.folder)
    known = administrator.read(settings.embedded.folder / administrator.FILE)
    return running.url if running else known.url if known else local_url(settings.http), known
