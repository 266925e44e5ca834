"""PostgreSQL accepts our verifiers as it accepts its own."""

from collections.abc import Iterator
from secrets import token_hex

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from tenant_api.embedded import ServerAddress
from tenant_api.kernel.secrets import generate_password, scram_verifier


@pytest.fixture
def admin(server: ServerAddress) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        yield connection


def test_a_login_made_from_a_verifier_takes_its_password_and_no_other(
    server: ServerAddress, admin: psycopg.Connection
) -> None:
    login, password = f"scram_{token_hex(4)}", generate_password()
    verifier = scram_verifier(password)
    admin.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(login), Literal(verifier)))
    try:
        [(stored,)] = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [login])
        assert stored == verifier, "the server kept the verifier as it is and did not hash it as a password"
        with psycopg.connect(make_conninfo(server.url("postgres"), user=login, password=password)) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (login,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(make_conninfo(server.url("postgres"), user=login, password=password + "x"))
    finally:
        admin.execute(SQL("DROP ROLE {}").format(Identifier(login)))
