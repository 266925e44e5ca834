"""Secrets made here and the rule for chosen ones."""

import base64
import hmac
import math
import string
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_api.kernel.secrets import (
    generate_client_secret,
    generate_password,
    is_complex,
    rule_of_complexity,
    scram_verifier,
)

SPECIAL = "!@#$^*()-_[]{}:;,.?"
VALID = "aB3!" + "x" * 28


def test_client_secrets_hold_every_class_and_only_characters_that_travel_raw() -> None:
    for secret in (generate_client_secret() for _ in range(500)):
        assert len(secret) == 32
        assert is_complex(secret)
        assert set(secret) <= set(string.ascii_letters + string.digits + SPECIAL)


def test_client_secrets_hold_about_200_bits() -> None:
    assert 32 * math.log2(len(set(string.ascii_letters + string.digits + SPECIAL))) > 200
    assert len({generate_client_secret() for _ in range(500)}) == 500


def test_every_class_appears_at_every_position() -> None:
    secrets = [generate_client_secret() for _ in range(1500)]
    for position in range(32):
        seen = {secret[position] for secret in secrets}
        for characters in (string.ascii_lowercase, string.ascii_uppercase, string.digits, SPECIAL):
            assert seen & set(characters)


@given(st.integers(4, 128))
def test_client_secrets_have_the_length_asked_for(length: int) -> None:
    secret = generate_client_secret(length)
    assert len(secret) == length
    assert is_complex(secret, 4)


def test_a_secret_too_short_for_all_classes_is_refused() -> None:
    with pytest.raises(ValueError):
        generate_client_secret(3)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        VALID[:-1],
        VALID + "x" * 97,
        VALID.replace("a", "A").replace("x", "X"),
        VALID.replace("B", "b"),
        VALID.replace("3", "x"),
        VALID.replace("!", "x"),
        VALID.replace("!", "~"),
        VALID.replace("a", "ä").replace("x", "é"),
        VALID + "\n",
    ],
)
def test_secrets_against_the_rule_are_refused(secret: str) -> None:
    assert not is_complex(secret)


@pytest.mark.parametrize(
    "secret", [VALID, VALID + "x" * 96, VALID + "~ ü\\", *(VALID.replace("!", c) for c in "%&+=]-")]
)
def test_secrets_within_the_rule_are_accepted(secret: str) -> None:
    assert is_complex(secret)


def test_the_rule_is_worded_as_in_the_contract() -> None:
    assert rule_of_complexity() == (
        "Client secret must contain at least one lowercase letter, one uppercase letter, one number, and one special "
        "character, and must be 32 to 128 characters long."
    )
    assert rule_of_complexity(8, 64).endswith("must be 8 to 64 characters long.")


def test_passwords_are_url_safe_and_distinct() -> None:
    passwords = {generate_password() for _ in range(200)}
    assert len(passwords) == 200
    for password in passwords:
        assert len(password) >= 32
        assert set(password) <= set(string.ascii_letters + string.digits + "-_")


def test_the_verifier_agrees_with_the_exchange_of_rfc_7677() -> None:
    verifier = scram_verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    head, salt_and_rounds, keys = verifier.split("$")
    stored_key, server_key = (base64.b64decode(part) for part in keys.split(":"))
    exchange = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(a ^ b for a, b in zip(proof, hmac.digest(stored_key, exchange, sha256), strict=True))
    assert (head, salt_and_rounds) == ("SCRAM-SHA-256", "4096:W22ZaJ0SNY7soEsUEjb6gQ==")
    assert sha256(client_key).digest() == stored_key
    assert hmac.digest(server_key, exchange, sha256) == base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_two_verifiers_of_one_password_differ() -> None:
    assert scram_verifier("same") != scram_verifier("same")


def test_a_password_that_would_need_normalising_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError) as caught:
        scram_verifier("pässword")
    assert "pässword" not in str(caught.value)
