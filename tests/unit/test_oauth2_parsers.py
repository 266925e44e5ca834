"""What clients send to `/oauth2` is read as the RFCs write it, and nothing breaks the readers."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp_providers.authorization_server import AssertionProof, SecretProof
from idp_providers.errors import InvalidAssertionError
from idp_providers.self_hosted import assertions
from tenant_api.oauth2.client_proofs import JWT_BEARER, basic_proof, proof_of
from tenant_api.oauth2.errors import OAuthError
from tenant_api.oauth2.parameters import MOST_PARAMETERS, parsed
from tenant_api.oauth2.tokens import requested_scopes

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SOME = TEXT.filter(bool)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def outcome(call: Callable[[], Any]) -> Any:
    """What a reader answers, or the code and status with which it refuses."""
    try:
        return call()
    except OAuthError as error:
        return error.error, error.status


def header(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


@given(SOME, TEXT)
def test_any_id_and_any_secret_survive_the_basic_header(client_id: str, secret: str) -> None:
    assert basic_proof(header(client_id, secret)) == SecretProof(client_id=client_id, secret=secret)


def test_the_example_of_the_rfc_is_read() -> None:
    """RFC 6749, section 2.3.1."""
    proof = basic_proof("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3")
    assert proof == SecretProof(client_id="s6BhdRkqt3", secret="7Fjfp0ZBr1KtDRbnfVdmIw")


@given(st.text() | st.binary().map(lambda raw: "Basic " + base64.b64encode(raw).decode()))
def test_any_other_header_is_a_failed_authentication(text: str) -> None:
    read = outcome(lambda: basic_proof(text))
    assert read == ("invalid_client", 401) or read.client_id


@given(st.lists(st.tuples(SOME, TEXT), max_size=MOST_PARAMETERS))
def test_a_form_is_read_as_it_was_written(fields: list[tuple[str, str]]) -> None:
    assert list(parsed(urlencode(fields).encode())) == fields


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_malformed(body: bytes) -> None:
    read = outcome(lambda: list(parsed(body)))
    assert read == ("invalid_request", 400) or isinstance(read, list)


@given(SOME, SOME)
def test_the_proof_of_a_form_is_what_the_form_says(client_id: str, secret: str) -> None:
    assert proof_of({"client_id": client_id, "client_secret": secret}, "", ()) == SecretProof(
        client_id=client_id, secret=secret
    )
    form = {"client_assertion_type": JWT_BEARER, "client_assertion": secret, "client_id": client_id}
    expected = AssertionProof(assertion=secret, audiences=("us",), client_id=client_id)
    assert proof_of(form, "", ("us",)) == expected


@given(st.dictionaries(st.sampled_from(["client_id", "client_secret", "client_assertion", "x"]), SOME), st.text())
def test_any_request_has_one_proof_or_a_refusal(form: dict[str, str], authorization: str) -> None:
    read = outcome(lambda: proof_of(form, authorization, ()))
    assert isinstance(read, SecretProof | AssertionProof) or read[0] in {"invalid_request", "invalid_client"}


@given(st.lists(st.sampled_from(["a", "b", "c/d"]), min_size=1), st.sets(st.sampled_from(["a", "b", "c/d"])))
def test_scopes_are_granted_in_full_or_refused(asked: list[str], held: set[str]) -> None:
    read = outcome(lambda: requested_scopes({"scope": " ".join(asked)}, sorted(held)))
    assert read == (list(dict.fromkeys(asked)) if set(asked) <= held else ("invalid_scope", 400))


@given(st.text())
def test_sentences_hold_no_character_that_the_rfc_forbids(sentence: str) -> None:
    shown = OAuthError("x", sentence).description
    assert len(shown) == len(sentence)
    allowed = {*range(0x20, 0x22), *range(0x23, 0x5C), *range(0x5D, 0x7F)}
    assert {ord(character) for character in shown} <= allowed


@given(st.text() | st.lists(st.text(), min_size=3, max_size=3).map(".".join))
def test_no_text_breaks_the_reader_of_assertions(text: str) -> None:
    with pytest.raises(InvalidAssertionError):
        assertions.read(text)


@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]), JSON))
def test_no_claims_break_their_judge(claims: dict[str, object]) -> None:
    with pytest.raises(InvalidAssertionError):
        assertions.judged({"iss": "me", "sub": "me", **claims, "aud": "them"}, "me", ["us"], NOW)


@given(st.integers(-7200, 7200), st.integers(-7200, 7200))
def test_an_assertion_counts_within_its_times_and_never_for_long(ends: int, begins: int) -> None:
    now = NOW.timestamp()
    claims = {"iss": "me", "sub": "me", "aud": ["us"], "exp": now + ends, "nbf": now + begins, "jti": "1"}
    counts = -60 < ends <= 360 and begins <= 60
    try:
        use = assertions.judged(claims, "me", ["us"], NOW)
    except InvalidAssertionError:
        assert not counts
    else:
        assert counts
        assert use.expires_at == NOW + timedelta(seconds=ends + 60), "remembered for as long as it would count"
