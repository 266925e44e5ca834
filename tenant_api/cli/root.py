"""The table of contents of the command line. A command's module is imported when the command runs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import rich_click as click


class Deferred(click.RichCommand):
    """A command by name and summary, which is all that the help page needs."""

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name=name, help=summary)
        self._place = place

    def load(self) -> click.Command:
        """The command itself, from `module:name` below this package."""
        module, _, name = self._place.partition(":")
        with _imported_for_good():
            command: click.Command = getattr(import_module(f"tenant_api.cli.{module}"), name)
        return command


@contextmanager
def _imported_for_good() -> Iterator[None]:
    """What modules are made of stays until the end: the collector need not look through it, now or ever.

    That was a sixth of the time in which a service starts.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


class LazyGroup(click.RichGroup):
    """Imports nothing but the command that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Deferred) else command, rest


COMMANDS = [
    Deferred("serve", "serve:serve", "Run the API, with workers inside unless told otherwise."),
    Deferred("work", "serve:work", "Run a worker only, beside a running service."),
    Deferred("down", "down:down", "Stop the service of this data folder."),
    Deferred("demo", "demo.command:demo", "Tell the whole story on a temporary service of its own."),
    Deferred("tenants", "tenants:tenants", "Create and list tenants."),
    Deferred("data-stores", "data_stores:data_stores", "Create, watch and delete managed data stores."),
    Deferred("jobs", "jobs:jobs", "Follow, cancel and retry jobs."),
    Deferred("templates", "templates:templates", "Import and list the templates of data stores."),
    Deferred("migrate", "migrate:migrate", "Bring the database to the schema of this version."),
    Deferred("check-config", "check_config:check_config", "Check settings, database, keys and plugins."),
    Deferred("identity", "identity:identity", "Compare clients at the identity provider with the rows, and repair."),
    Deferred("idp", "idp:idp", "Prepare the system behind the identity provider."),
    Deferred("plugins", "plugins:plugins", "List installed plugins and the chosen ones."),
    Deferred("openapi", "openapi:openapi", "Print the OpenAPI document of everything that the API offers."),
    Deferred("signing-keys", "signing_keys:signing_keys", "List, rotate and revoke the keys that sign tokens."),
    Deferred("oauth-clients", "oauth_clients:oauth_clients", "List, disable and delete clients of the service."),
    Deferred("keys", "keys:keys", "Print new keys for a service with a database of its own."),
]


@click.group(
    cls=LazyGroup,
    commands={str(command.name): command for command in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="tenant-api")
def root() -> None:
    """The control plane of an Ed-Fi fleet: tenants, credentials and the databases behind them.

    Settings are environment variables (TENANT_API_…). Commands that talk to a running service find it by its
    data folder, by TA_ADMINISTRATOR (its administrator file), or by TA_URL with TA_CLIENT_ID and TA_CLIENT_SECRET.
    """
