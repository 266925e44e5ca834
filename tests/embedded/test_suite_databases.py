"""The databases that the suite hands to its tests."""

from typing import Any

import psycopg
import pytest

from tenant_api.embedded import ServerAddress
from tests.parts import postgresql
from tests.parts.missing import missing


def one(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        [(value,)] = connection.execute(query)
    return value


def test_a_database_of_ones_own_is_migrated(database_url: str) -> None:
    assert one(database_url, "SELECT to_regclass('alembic_version') IS NOT NULL")


def test_an_empty_database_is_empty(empty_database_url: str) -> None:
    assert one(empty_database_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_the_sealed_template_lets_nobody_in(server: ServerAddress, migrated_template: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(server.url(migrated_template))


def test_the_old_server_is_a_postgresql_15(postgresql_15: ServerAddress) -> None:
    assert one(postgresql_15.url(), "SHOW server_version_num").startswith("15")


def test_a_given_server_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRESQL_URL", "postgresql://me:p%40ss@db.example:5433/postgres")
    assert postgresql.postgresql_15_server().url("other") == "postgresql://me:p%40ss@db.example:5433/other"


def test_a_missing_component_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        missing("no such thing")


def test_a_missing_component_fails_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such thing"):
        missing("no such thing")
