"""Writes the description of the API, without a service."""

import json
import sys
from pathlib import Path

import rich_click as click

from tenant_api.app import whole_document


@click.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead.")
def openapi(output: Path | None) -> None:
    """Print the OpenAPI document of an installation that offers everything.

    Needs neither settings nor a database, and says the same on every machine. What a service answers differs in its
    servers, its token address, and in what its settings leave out.
    """
    text = written()
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


def written() -> str:
    """The document as it is kept in `docs/openapi.json`."""
    return json.dumps(whole_document(), indent=2, ensure_ascii=False) + "\n"
