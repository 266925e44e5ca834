"""New keys for a service that does not keep its own."""

import rich_click as click

from tenant_api.cli.output import Output, json_option
from tenant_api.kernel.keys import generate_keys
from tenant_api.settings.environment import variable_of


@click.command()
@json_option
def keys(as_json: bool) -> None:
    """Print a fresh set of keys as settings. Keep them: what they seal opens with them alone.

    A service on TENANT_API_DATABASE__URL needs them; the embedded one makes its own.
    """
    made = {variable_of(("keys", name)): text for name, text in generate_keys().items()}
    Output(as_json).result(made, *(f"{name}={text}" for name, text in made.items()))
