"""The settings tree as the environment fills it."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tenant_api.kernel.keys import generate_keys
from tenant_api.settings import Settings, SettingsError, load_settings

SECRET = "aB3!" + "x" * 28
URL = "postgresql://service:hidden-word@db.example.org:5432/tenant_api"
KEYS = {f"TENANT_API_KEYS__{name.upper()}": text for name, text in generate_keys().items()}


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings({f"TENANT_API_{name}": value for name, value in variables.items()})
    return str(caught.value).splitlines()


def clients(*entries: dict[str, object]) -> str:
    return json.dumps([{"id": "admin", "secret": SECRET, "display_name": "A", "scopes": ["s"], **e} for e in entries])


def test_nothing_set_gives_an_embedded_single_tenant_service() -> None:
    settings = load_settings({"PATH": "/bin", "HOME": "/home/x"})
    assert settings.database.url is None
    assert settings.multi_tenancy is False
    assert settings.http.port == 8081
    assert settings.idp.name == "self_hosted"
    assert settings.provisioner.name == "postgresql"
    assert settings.workers.lease_seconds == 3.0


@pytest.mark.parametrize(
    ("variables", "kept"),
    [
        ({}, True),
        ({"URL": URL}, False),
        ({"URL": URL, "PREPARED_STATEMENTS": "true"}, True),
        ({"PREPARED_STATEMENTS": "false"}, False),
    ],
)
def test_plans_are_kept_where_no_pooler_can_stand_between(variables: dict[str, str], kept: bool) -> None:
    chosen = {f"TENANT_API_DATABASE__{name}": value for name, value in variables.items()}
    assert load_settings({**KEYS, **chosen}).database.prepares_statements is kept


@pytest.mark.parametrize("name", ["Filesystem", "FILESYSTEM", "directory", "Directory"])
def test_a_directory_of_claims_has_two_names(name: str) -> None:
    folder = "/srv/claims"
    claims = load_settings({"TENANT_API_CLAIMS__SOURCE": name, "TENANT_API_CLAIMS__DIRECTORY": folder}).claims
    assert (claims.source, claims.directory) == ("directory", Path(folder))
    assert "TENANT_API_CLAIMS__DIRECTORY" in " ".join(problems(CLAIMS__SOURCE=name))


def test_values_reach_their_place_with_their_type() -> None:
    settings = load_settings(
        {
            "TENANT_API_MULTI_TENANCY": "true",
            "TENANT_API_HTTP__PORT": "9000",
            "TENANT_API_WORKERS__POLL_SECONDS": "0.25",
            "TENANT_API_LOG__LEVEL": "debug",
            "TENANT_API_EMBEDDED__FOLDER": "/data/here",
        }
    )
    assert settings.multi_tenancy is True
    assert settings.http.port == 9000
    assert settings.workers.poll_seconds == 0.25
    assert settings.log.level == "DEBUG"
    assert settings.embedded.folder == Path("/data/here")


def test_plugin_settings_arrive_as_text_under_lower_case_names() -> None:
    settings = load_settings(
        {
            "TENANT_API_IDP__NAME": "keycloak",
            "TENANT_API_IDP__SETTINGS__ISSUER": "https://id.example.org",
            "TENANT_API_IDP__SETTINGS__ADMIN__PASSWORD": "12345",
        }
    )
    assert settings.idp.name == "keycloak"
    assert settings.idp.settings == {"issuer": "https://id.example.org", "admin": {"password": "12345"}}


@pytest.mark.parametrize(("given", "normal"), [("", ""), ("/", ""), ("config", "/config"), ("/a/b/", "/a/b")])
def test_path_base_is_empty_or_begins_with_a_slash(given: str, normal: str) -> None:
    assert load_settings({"TENANT_API_HTTP__PATH_BASE": given}).http.path_base == normal


def test_the_tree_is_frozen() -> None:
    with pytest.raises(ValidationError):
        load_settings({}).http.port = 1  # type: ignore[misc]  # mypy knows it, too


def test_data_folder_of_a_user_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/x")
    assert load_settings({"XDG_DATA_HOME": "/d"}).embedded.folder == Path("/d/tenant-api")
    assert load_settings({"XDG_DATA_HOME": "relative"}).embedded.folder == Path("/home/x/.local/share/tenant-api")
    assert load_settings({}).embedded.folder == Path("/home/x/.local/share/tenant-api")


def test_data_folder_of_root_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert load_settings({"XDG_DATA_HOME": "/d"}).embedded.folder == Path("/var/lib/tenant-api")


def test_every_problem_is_listed_on_a_line_of_its_own() -> None:
    lines = problems(HTTP__PORT="eighty", HTTP__PROT="1", DATABASE__POOL_SIZE="0", LOG__FORMAT="xml")
    assert [line.split(":")[0] for line in lines] == [
        "TENANT_API_HTTP__PROT",
        "TENANT_API_HTTP__PORT",
        "TENANT_API_DATABASE__POOL_SIZE",
        "TENANT_API_LOG__FORMAT",
    ]


def test_an_external_database_needs_every_key_and_the_error_says_how_to_make_them() -> None:
    given = {name.removeprefix("TENANT_API_"): text for name, text in KEYS.items() if "PEPPER" in name}
    lines = problems(DATABASE__URL=URL, **given)
    assert [line.split(":")[0] for line in lines] == [
        "TENANT_API_KEYS__SEALING",
        "TENANT_API_KEYS__MARKER",
        "TENANT_API_KEYS__CONNECTION_STRINGS",
    ]
    assert all("openssl rand" in line for line in lines)


def test_an_external_database_with_all_keys_is_accepted() -> None:
    settings = load_settings({"TENANT_API_DATABASE__URL": URL, **KEYS})
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == URL
    assert set(settings.keys.given()) == {"sealing", "pepper", "marker", "connection_strings"}


@pytest.mark.parametrize(
    "url", ["", "mysql://u:hidden-word@h/d", "postgresql://u:hidden-word@h:port/d", "postgresql://u:hidden-word@h"]
)
def test_a_database_url_that_cannot_work_is_refused_without_repeating_it(url: str) -> None:
    (line,) = (line for line in problems(DATABASE__URL=url, **{k[11:]: v for k, v in KEYS.items()}))
    assert line.startswith("TENANT_API_DATABASE__URL: must")
    assert "hidden-word" not in line


@pytest.mark.parametrize(
    "key", ["short", "ü" * 40, "YourSecureEncryptionKey32Characters", "YourSecureEncryptionKey32Charact"]
)
def test_keys_that_data_planes_refuse_are_refused_here(key: str) -> None:
    (line,) = problems(KEYS__CONNECTION_STRINGS=key)
    assert line.startswith("TENANT_API_KEYS__CONNECTION_STRINGS: must")
    assert key not in line


@pytest.mark.parametrize("ring", ["", "k1", "k1:c2hvcnQ=", "k1:%%%", "a b:AAAA"])
def test_a_malformed_key_ring_is_refused_without_repeating_it(ring: str) -> None:
    (line,) = problems(KEYS__SEALING=ring)
    assert line.startswith("TENANT_API_KEYS__SEALING: key 1 ")
    assert "c2hvcnQ" not in line


def test_bootstrap_clients_come_as_json_and_get_the_service_role() -> None:
    text = clients({}, {"id": "reader", "role": "auditor", "scopes": ["a", "b"]})
    settings = load_settings({"TENANT_API_IDENTITY__CLIENTS": text, "TENANT_API_IDENTITY__SERVICE_ROLE": "boss"})
    admin, reader = settings.identity.clients
    assert (admin.id, admin.role, admin.secret.get_secret_value()) == ("admin", "boss", SECRET)
    assert (reader.role, reader.scopes) == ("auditor", ("a", "b"))


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("[{", "TENANT_API_IDENTITY__CLIENTS: must be JSON"),
        (clients({"secret": "hidden-word"}), "TENANT_API_IDENTITY__CLIENTS: client 'admin': Client secret must"),
        (clients({}, {"id": "ADMIN"}), "TENANT_API_IDENTITY__CLIENTS: ids must be distinct"),
        (clients({"scopes": []}), "TENANT_API_IDENTITY__CLIENTS[0].scopes: "),
        (clients({"rolle": "x"}), "TENANT_API_IDENTITY__CLIENTS[0].rolle: "),
    ],
)
def test_wrong_bootstrap_clients_are_named_without_their_secrets(text: str, beginning: str) -> None:
    (line,) = problems(IDENTITY__CLIENTS=text)
    assert line.startswith(beginning)
    assert "hidden-word" not in line
    assert SECRET not in line


def test_secret_lengths_are_configurable_within_the_contract() -> None:
    short = clients({"secret": "aB3!xxxx"})
    settings = load_settings({"TENANT_API_IDENTITY__SECRET_MINIMUM_LENGTH": "8", "TENANT_API_IDENTITY__CLIENTS": short})
    assert settings.identity.clients[0].id == "admin"
    (line,) = problems(IDENTITY__SECRET_MINIMUM_LENGTH="200")
    assert line.startswith("TENANT_API_IDENTITY__SECRET_MAXIMUM_LENGTH: ")
    assert problems(IDENTITY__SECRET_MAXIMUM_LENGTH="1025")
    assert problems(IDENTITY__SECRET_MINIMUM_LENGTH="3")


def test_no_secret_shows_in_the_representation() -> None:
    settings = load_settings(
        {
            "TENANT_API_DATABASE__URL": URL,
            **KEYS,
            "TENANT_API_IDENTITY__CLIENTS": clients({}),
            "TENANT_API_PROVISIONER__SETTINGS__PASSWORD": "plugin-secret",
        }
    )
    shown = repr(settings) + str(settings)
    for secret in ("hidden-word", SECRET, "plugin-secret", *KEYS.values()):
        assert secret not in shown


def test_settings_never_read_the_environment_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_API_HTTP__PORT", "9999")
    assert Settings().http.port == 8081
    assert load_settings({}).http.port == 8081
