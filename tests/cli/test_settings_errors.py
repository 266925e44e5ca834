"""Settings that cannot work end every command with code 1 and name the variable, never its value."""

import pytest

from tests.cli.command import Cli, external


@pytest.mark.parametrize("command", [["serve"], ["work"], ["migrate"], ["plugins", "--json"], ["down"]])
def test_an_unknown_setting_is_named_with_the_nearest_one(cli: Cli, command: list[str]) -> None:
    ran = cli(*command, TENANT_API_HTTP__PROT="8082")
    assert ran.code == 1
    assert "TENANT_API_HTTP__PROT: there is no such setting; did you mean TENANT_API_HTTP__PORT?" in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_values_are_not_repeated(cli: Cli) -> None:
    ran = cli("migrate", TENANT_API_DATABASE__URL="postgresql://user:s3cret-value@")
    assert ran.code == 1
    assert "TENANT_API_DATABASE__URL" in ran.err
    assert "s3cret-value" not in ran.out + ran.err


def test_an_unreachable_database_is_a_sentence(cli: Cli, unused_port: int) -> None:
    ran = cli("migrate", **external(f"postgresql://nobody:s3cret-value@127.0.0.1:{unused_port}/none"))
    assert ran.code == 1
    assert ran.err.startswith("The database refused:")
    assert len(ran.err.splitlines()) == 1
    assert "s3cret-value" not in ran.err


@pytest.mark.parametrize("command", [["work"], ["migrate"], ["templates", "list"]])
def test_commands_that_attach_say_when_nothing_runs(cli: Cli, command: list[str]) -> None:
    ran = cli(*command)
    assert ran.code == 1
    assert "Start the service on this folder first." in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_setting_that_a_plugin_lacks_is_named_by_its_variable_also_if_it_is_a_secret(cli: Cli) -> None:
    chosen = {"TENANT_API_IDP__NAME": "keycloak", "TENANT_API_IDP__SETTINGS__SERVER_URL": "http://keycloak"}
    secret = "TENANT_API_IDP__SETTINGS__CLIENT_SECRET"
    person = {"TA_IDP_ADMINISTRATOR": "a", "TA_IDP_PASSWORD": "b"}
    assert f"{secret} is not set." in cli("idp", "prepare", "--yes", **chosen, **person).err
    too_long = cli("idp", "prepare", "--yes", **chosen, **person, **{secret: "s3cret" * 100})
    assert f"{secret} (" in too_long.err
    assert "s3cret" not in too_long.err
