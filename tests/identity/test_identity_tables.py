"""The migration of the built-in issuer's tables."""

import psycopg
import pytest

from tenant_api.db import migrations

TABLES = "select count(*) from pg_tables where schemaname = 'public' and starts_with(tablename, 'idp_')"


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(TABLES).fetchone()
        return count


def test_goes_down_and_up_again(database_url):
    assert tables(database_url) == 3
    migrations.downgrade(database_url, "0001")
    assert tables(database_url) == 0
    migrations.upgrade(database_url)
    assert tables(database_url) == 3


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        (("", "x"), "ck_idp_clients_client_id"),
        (("x" * 257, "x"), "ck_idp_clients_client_id"),
        (("Taken", None), "secret"),
        (("TAKEN", "x"), "uq_idp_clients_lower_client_id"),
    ],
)
def test_clients_have_an_id_of_their_own_and_a_secret(database_url, values, constraint):
    with psycopg.connect(database_url) as connection:
        insert = "insert into idp_clients (client_id, secret, role) values (%s, %s, 'r')"
        connection.execute(insert, ("taken", "x"))
        with pytest.raises(psycopg.IntegrityError, match=constraint):
            connection.execute(insert, values)
