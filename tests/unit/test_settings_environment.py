"""Every variable with our prefix is a setting, Kubernetes' own, or an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_api.settings import Settings, SettingsError, load_settings
from tenant_api.settings.environment import Catalogue

KNOWN = sorted(Catalogue.of(Settings).paths)

# As the kubelet writes them for Services called tenant-api and tenant-api-postgresql.
KUBERNETES = {
    "TENANT_API_SERVICE_HOST": "10.96.0.12",
    "TENANT_API_SERVICE_PORT": "8081",
    "TENANT_API_SERVICE_PORT_HTTP": "8081",
    "TENANT_API_PORT": "tcp://10.96.0.12:8081",
    "TENANT_API_PORT_8081_TCP": "tcp://10.96.0.12:8081",
    "TENANT_API_PORT_8081_TCP_PROTO": "tcp",
    "TENANT_API_PORT_8081_TCP_PORT": "8081",
    "TENANT_API_PORT_8081_TCP_ADDR": "10.96.0.12",
    "TENANT_API_POSTGRESQL_SERVICE_HOST": "10.96.0.13",
    "TENANT_API_POSTGRESQL_SERVICE_PORT": "5432",
    "TENANT_API_POSTGRESQL_PORT": "tcp://10.96.0.13:5432",
    "TENANT_API_POSTGRESQL_PORT_5432_TCP": "tcp://10.96.0.13:5432",
}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return str(caught.value)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("TENANT_API_HTTP__PROT", "TENANT_API_HTTP__PORT"),
        ("TENANT_API_HTTP_PORT", "TENANT_API_HTTP__PORT"),
        ("TENANT_API_DATABSE__URL", "TENANT_API_DATABASE__URL"),
        ("TENANT_API_MULTITENANCY", "TENANT_API_MULTI_TENANCY"),
        ("TENANT_API_KEYS__PEPER", "TENANT_API_KEYS__PEPPER"),
        ("tenant_api_log__level", "TENANT_API_LOG__LEVEL"),
        ("TENANT_API_IDP__SETTING__ISSUER", "TENANT_API_IDP__SETTINGS__…"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_known_one(variable: str, meant: str) -> None:
    assert refusal({variable: "hidden-word"}) == f"{variable}: there is no such setting; did you mean {meant}?"


def test_the_variables_of_kubernetes_services_are_not_ours() -> None:
    assert load_settings(KUBERNETES) == load_settings({})


@pytest.mark.parametrize(
    "strange",
    [
        {"TENANT_API_PORT": "8081"},
        {"TENANT_API_PORT": "tcp://10.96.0.12:8081"},
        {"TENANT_API_SERVICE_HOST": "10.96.0.12"},
        {"TENANT_API_SERVICE_HOST": "10.96.0.12", "TENANT_API_PORT": "8081"},
        {**KUBERNETES, "TENANT_API_POSTGRESQL_URL": "x"},
        {**KUBERNETES, "TENANT_API_REDIS_PORT": "tcp://10.96.0.14:6379"},
        {"TENANT_API_HTTP__SERVICE_HOST": "h", "TENANT_API_HTTP__PORT": "tcp://h:1"},
    ],
)
def test_what_only_resembles_a_service_variable_is_refused(strange: dict[str, str]) -> None:
    assert refusal(strange)


def test_settings_with_the_delimiter_are_ours_beside_service_variables() -> None:
    assert load_settings({**KUBERNETES, "TENANT_API_HTTP__PORT": "9000"}).http.port == 9000


def test_variables_of_others_are_none_of_our_business() -> None:
    assert load_settings({"TENANT_APIS_X": "1", "TENANT": "1", "PGHOST": "h"}) == load_settings({})


def test_variables_that_contradict_each_other_are_refused() -> None:
    text = refusal({"TENANT_API_IDP__SETTINGS__A": "1", "TENANT_API_IDP__SETTINGS__A__B": "2"})
    assert text.startswith("TENANT_API_IDP__SETTINGS__A__B: contradicts")


@given(st.sampled_from(KNOWN), st.data())
def test_a_slip_of_one_letter_is_never_taken_for_a_setting(variable: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(len("TENANT_API_"), len(variable) - 1))
    slip = variable[:index] + variable[index + 1 :]
    if slip not in KNOWN:
        assert "did you mean TENANT_API_" in refusal({slip: "1"})


@given(st.dictionaries(st.sampled_from(KNOWN), st.text(max_size=50), max_size=5))
def test_any_values_are_either_accepted_or_refused_with_the_names_of_their_variables(environ: dict[str, str]) -> None:
    problems: tuple[str, ...] = ()
    try:
        load_settings(environ)
    except SettingsError as error:
        problems = error.problems
    for problem in problems:
        assert problem.startswith("TENANT_API_")
        assert "\n" not in problem
