"""The migration of the built-in issuer's tables."""

import psycopg
import pytest

from tenant_api.db import migrations

TABLES = "select count(*) from pg_tables where schemaname = 'public' and starts_with(tablename, 'idp_')"


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute(TABLES)
        return int(count)


def test_goes_down_and_up_again(database_url: str) -> None:
    assert tables(database_url) == 7
    migrations.downgrade(database_url, "0001")
    assert tables(database_url) == 0
    migrations.upgrade(database_url)
    assert tables(database_url) == 7


def test_the_version_before_gets_the_newest_live_secret_and_never_an_ended_one(database_url: str) -> None:
    secrets: dict[str, list[tuple[str, str, str | None, str | None]]] = {
        "newest": [("old", "-1 h", None, None), ("new", "-1 min", None, None)],
        "ended": [("live", "-1 h", None, None), ("ended", "-1 min", None, "-1 s")],
        "later": [("live", "-1 h", None, None), ("later", "-1 min", "1 h", None)],
        "none": [("ended", "-1 h", None, "-1 s")],
        "removed": [],
    }
    with psycopg.connect(database_url) as connection:
        for client_id, kept in secrets.items():
            connection.execute(
                "insert into idp_clients (client_id, secret, role) values (%s, 'removed', 'r')", (client_id,)
            )
            connection.execute("delete from idp_client_secrets where client_id = %s", (client_id,))
            for hash, created, begins, ends in kept:
                connection.execute(
                    """
                    insert into idp_client_secrets (client_id, hash, created_at, not_before, expires_at)
                    values (%s, %s, now() + %s::interval, now() + %s::interval, now() + %s::interval)
                    """,
                    (client_id, hash, created, begins, ends),
                )
    migrations.downgrade(database_url, "0004")
    with psycopg.connect(database_url) as connection:
        found: dict[str, str] = dict(connection.execute("select client_id, secret from idp_clients").fetchall())
    assert found == {"newest": "new", "ended": "live", "later": "live", "none": "", "removed": ""}


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        (("", "x"), "ck_idp_clients_client_id"),
        (("x" * 257, "x"), "ck_idp_clients_client_id"),
        (("Taken", None), "secret"),
        (("TAKEN", "x"), "uq_idp_clients_lower_client_id"),
    ],
)
def test_clients_have_an_id_of_their_own_and_a_secret(
    database_url: str, values: tuple[str, str | None], constraint: str
) -> None:
    with psycopg.connect(database_url) as connection:
        insert = "insert into idp_clients (client_id, secret, role) values (%s, %s, 'r')"
        connection.execute(insert, ("taken", "x"))
        with pytest.raises(psycopg.IntegrityError, match=constraint):
            connection.execute(insert, values)
