"""Every command explains itself, prints JSON when asked, and wrong usage ends with code 2 and one sentence."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tenant_api.cli.root import COMMANDS, Deferred, root
from tests.cli.command import Cli


def leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    loaded = command.load() if isinstance(command, Deferred) else command
    if isinstance(loaded, click.Group):
        for name, inner in loaded.commands.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, loaded


EVERY = dict(leaf for command in COMMANDS for leaf in leaves(command, (str(command.name),)))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_json_and_help(cli: Cli, path: tuple[str, ...]) -> None:
    ran = cli(*path, "--help")
    assert ran.code == 0
    assert "--json" in ran.out or path == ("openapi",)  # prints nothing else
    assert EVERY[path].help


def test_summaries_belong_to_existing_commands() -> None:
    assert [command.name for command in COMMANDS] == [command.load().name for command in COMMANDS]
    assert list(root.commands) == [command.name for command in COMMANDS]


def test_the_help_page_needs_none_of_the_service() -> None:
    code = (
        "import sys\nfrom tenant_api.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit as ended: assert ended.code == 0\n"
        "slow = {'litestar', 'sqlalchemy', 'pydantic', 'psycopg', 'uvicorn', 'httpx2'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["srve"], "Did you mean 'serve'"),
        (["data-stores", "show", "one"], "'one' is not a valid integer"),
        (["data-stores", "create", "A"], "'--template'"),
        (["jobs", "show", "1"], "'1' is not a valid UUID"),
        (["identity", "reconcile", "--limit", "0"], "0 is not in the range x>=1"),
        (["templates", "import", "A", "/no/such/file"], "/no/such/file"),
        (["serve", "--port", "1"], "No such option '--port'"),
    ],
)
def test_wrong_usage_is_code_2_and_one_sentence(cli: Cli, arguments: list[str], said: str) -> None:
    ran = cli(*arguments)
    assert ran.code == 2
    assert said in ran.err
    assert "--help" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""
