"""What the log must not show."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_api.kernel.redaction import HIDDEN, redact, scrub
from tenant_api.kernel.secrets import generate_client_secret, generate_password, scram_verifier

CANARY = "c4nary-V4lue!of.32:characters;xyz"


@pytest.mark.parametrize(
    "name",
    [
        "password", "PGPASSWORD", "secret", "clientSecret", "client_secret", "token", "access_token", "Authorization",
        "connection_string", "connectionString", "dsn", "api_key", "apiKey", "cookie", "pepper", "login_verifier",
    ],
)  # fmt: skip
def test_members_with_a_telling_name_are_hidden_at_any_depth(name: str) -> None:
    event = {"event": "x", "data": [{"deeper": {name: CANARY}}], name: {"a": CANARY}}
    assert CANARY not in str(redact(event))


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://user:{CANARY}@db:5432/x",
        f"postgresql://:{CANARY}@db/x",
        f"could not connect to postgresql+psycopg://user:{CANARY}@db/x?sslmode=require, giving up",
        f"https://user:p@ss{CANARY}@example.org/path",
        f"host=db password={CANARY} dbname=x",
        f"host=db;Password={CANARY}",
        f"password='{CANARY} with blanks' dbname=x",
        f'password="{CANARY};""more;";database=x',
        f'{{"clientSecret": "{CANARY}", "id": 1}}',
        f"client_id=a&client_secret={CANARY}&grant_type=client_credentials",
        f"ALTER ROLE x PASSWORD '{CANARY}'",
        "ALTER ROLE x PASSWORD " + scram_verifier(CANARY) + CANARY,
        f"Authorization: Basic {CANARY}",
        f"{{'authorization': 'Bearer {CANARY}'}}",
        "sent Bearer c4nary-V4lue.of.32_characters/xyz= to them",
        "-----BEGIN RSA PRIVATE KEY-----\nc4nary\nV4lue\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nc4nary",
        "the assertion eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJj.c4naryV4lue was refused",
        "/assertions/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJj.c4naryV4lue",
        "/login/SCRAM-SHA-256$c4nary",
        "/token:c4nary",
        "/token\N{NO-BREAK SPACE}'c4nary'",
    ],
)
def test_secrets_in_sentences_are_hidden(text: str) -> None:
    assert "c4nary" not in scrub(text)
    assert HIDDEN in scrub(text)


@pytest.mark.parametrize("make", [generate_client_secret, generate_password])
def test_our_own_secrets_are_hidden_whole_in_every_usual_place(make: Callable[[], str]) -> None:
    for secret in (make() for _ in range(200)):
        for text in (
            f"postgresql://u:{secret}@h/d",
            f"secret={secret} x",
            f"password: {secret}",
            f'"token":"{secret}"',
        ):
            hidden = scrub(text)
            assert all(secret[i : i + 6] not in hidden for i in range(len(secret) - 6))


@pytest.mark.parametrize(
    "text",
    [
        "GET http://localhost:8081/v3/vendors/1 answered 200",
        "postgresql://user@db:5432/x is reachable",
        "token endpoint answered; the secret was replaced",
        "basic authentication and bearer authentication are offered",
        "operation 12 moved to step provision in 0.4 s",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert scrub(text) == text


def test_numbers_flags_and_nothing_stay_as_they_are() -> None:
    event = {"tokens": 3, "has_secret": True, "password": None, "seconds": 0.5}
    assert redact(event) == event


def test_objects_are_logged_as_scrubbed_text() -> None:
    class Careless:
        def __str__(self) -> str:
            return f"password={CANARY}"

    assert redact({"thing": Careless()}) == {"thing": f"password={HIDDEN}"}


@given(st.text())
def test_scrubbing_again_changes_nothing(text: str) -> None:
    assert scrub(scrub(f"secret={text}")) == scrub(f"secret={text}")


@pytest.mark.parametrize(
    "piece", ["a", "://a:", "password", "eyJ.", "token ", "'", "password='\\", "-----BEGIN PRIVATE KEY-----"]
)
def test_hostile_text_costs_linear_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    started = time.perf_counter()
    scrub(text)
    assert time.perf_counter() - started < 5
