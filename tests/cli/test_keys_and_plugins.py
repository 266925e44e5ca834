"""The two commands that only print."""

import json

from tenant_api.kernel.keys import ServiceKeys
from tenant_api.settings import load_settings
from tests.cli.command import Cli


def test_printed_keys_are_settings_that_a_service_accepts(cli: Cli) -> None:
    keys = json.loads(cli("keys", "--json").out)
    settings = load_settings({"TENANT_API_DATABASE__URL": "postgresql://a:b@localhost/c", **keys})
    ServiceKeys.parse(settings.keys.given())


def test_keys_are_new_every_time_and_print_as_environment(cli: Cli) -> None:
    first, second = cli("keys").out.splitlines(), cli("keys").out.splitlines()
    assert len(first) == 4
    assert all(line.startswith("TENANT_API_KEYS__") and "=" in line for line in first)
    assert not set(first) & set(second)


def test_plugins_are_listed_with_the_chosen_ones(cli: Cli) -> None:
    listed = json.loads(cli("plugins", "--json", TENANT_API_PROVISIONER__NAME="memory").out)
    chosen = {(plugin["family"], plugin["name"]) for plugin in listed if plugin["chosen"]}
    assert chosen == {("idp_providers", "self_hosted"), ("db_provisioners", "memory")}
    assert ("db_provisioners", "postgresql") in {(plugin["family"], plugin["name"]) for plugin in listed}


def test_lists_are_lines_with_tabs_off_a_terminal(cli: Cli) -> None:
    heading, *rows = cli("plugins").out.splitlines()
    assert heading.split("\t") == ["family", "name", "chosen", "package"]
    assert all(len(row.split("\t")) == 4 for row in rows)
