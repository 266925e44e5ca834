"""`check-config` names everything that is wrong, and only that fails."""

import json

import pytest

from tests.cli.command import Cli, external


def results(out: str) -> dict[str, str]:
    return {finding["check"]: finding["result"] for finding in json.loads(out)}


def test_a_service_that_could_start_passes(cli: Cli, database_url: str) -> None:
    ran = cli("check-config", "--json", **external(database_url))
    assert (ran.code, ran.err) == (0, "")
    assert results(ran.out) == {
        "settings": "ok",
        "keys": "ok",
        "clients": "warning",
        "database": "ok",
        "migrations": "ok",
        "idp self_hosted": "ok",
        "provisioner postgresql": "ok",
    }


def test_a_database_before_its_migration_is_a_warning_as_the_service_migrates_itself(
    cli: Cli, empty_database_url: str
) -> None:
    ran = cli("check-config", "--json", **external(empty_database_url))
    assert ran.code == 0
    assert results(ran.out)["migrations"] == "warning"


def test_it_fails_if_the_service_must_not_migrate(cli: Cli, empty_database_url: str) -> None:
    environment = external(empty_database_url, TENANT_API_DATABASE__MIGRATE_ON_START="false")
    ran = cli("check-config", "--json", **environment)
    assert ran.code == 1
    assert results(ran.out)["migrations"] == "failed"
    assert "tenant-api migrate" in ran.err


def test_every_wrong_setting_is_a_reason(cli: Cli) -> None:
    ran = cli("check-config", TENANT_API_HTTP__PORT="none", TENANT_API_NONSENSE="1")
    assert ran.code == 1
    assert "TENANT_API_HTTP__PORT" in ran.err
    assert "TENANT_API_NONSENSE" in ran.err


def test_an_unreachable_database_is_a_reason(cli: Cli, unused_port: int) -> None:
    ran = cli("check-config", **external(f"postgresql://nobody:s3cret-value@127.0.0.1:{unused_port}/none"))
    assert ran.code == 1
    assert "database: The database refused:" in ran.err
    assert "s3cret-value" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("TENANT_API_PROVISIONER__NAME", "missing", "There is no plugin 'missing'"),
        ("TENANT_API_PROVISIONER__SETTINGS__NONSENSE", "1", "The settings of the plugin 'postgresql' are wrong"),
    ],
)
def test_a_plugin_that_cannot_open_is_a_reason(
    cli: Cli, database_url: str, setting: str, value: str, said: str
) -> None:
    ran = cli("check-config", **external(database_url, **{setting: value}))
    assert ran.code == 1
    assert said in ran.err


def test_an_embedded_database_without_its_service_is_skipped(cli: Cli) -> None:
    ran = cli("check-config", "--json")
    assert ran.code == 0
    assert results(ran.out) == {
        "settings": "ok",
        "database": "skipped",
        "idp self_hosted": "skipped",
        "provisioner postgresql": "skipped",
    }


WRONG = {
    "idp keycloak": {"TENANT_API_IDP__NAME": "keycloak"},
    "idp missing": {"TENANT_API_IDP__NAME": "missing"},
    "provisioner postgresql": {"TENANT_API_PROVISIONER__SETTINGS__NONSENSE": "1"},
}


@pytest.mark.parametrize("check", WRONG)
@pytest.mark.parametrize("database", ["not started", "not migrated", "not reachable"])
def test_plugins_that_cannot_be_opened_yet_are_judged_by_their_settings(
    cli: Cli, empty_database_url: str, unused_port: int, database: str, check: str
) -> None:
    environments: dict[str, dict[str, str]] = {
        "not started": {},
        "not migrated": external(empty_database_url),
        "not reachable": external(f"postgresql://nobody@127.0.0.1:{unused_port}/none"),
    }
    ran = cli("check-config", "--json", **environments[database], **WRONG[check])
    assert ran.code == 1
    assert results(ran.out)[check] == "failed"
    assert f"{check}: " in ran.err
