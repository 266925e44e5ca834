"""Connection strings as data planes read them."""

import base64
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_api.kernel.connection_strings import decode, encode, npgsql_keywords

KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
NO_NUL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)

# The grammar of .NET's connection strings: quoted values double their quotes, plain ones end at a semicolon.
PAIR = re.compile(
    r"""\s*(?P<key>[^=;]+)=\s*(?:"(?P<double>(?:[^"]|"")*)"|'(?P<single>(?:[^']|'')*)'|(?P<plain>[^;"'\s][^;]*)?)\s*;"""
)


def encoded(text: str, key: str) -> str:
    """A text that there is; only nothing stays nothing."""
    answer = encode(text, key)
    assert answer is not None
    return answer


def parse(text: str) -> dict[str, str]:
    found, position = {}, 0
    while position < len(text):
        match = PAIR.match(text, position)
        assert match, text[position:]
        value = match["double"], match["single"], match["plain"]
        found[match["key"]] = (
            value[0].replace('""', '"')
            if value[0] is not None
            else value[1].replace("''", "'")
            if value[1] is not None
            else (value[2] or "").rstrip()
        )
        position = match.end()
    return found


def test_plain_values_stand_without_quotes() -> None:
    text = npgsql_keywords(host="db", port=5432, username="ta_u", password="Ab-_9", database="ta_d")
    assert text == "host=db;port=5432;username=ta_u;password=Ab-_9;database=ta_d;"


@pytest.mark.parametrize(
    ("password", "quoted"),
    [
        ("a;b", '"a;b"'),
        ("a=b", '"a=b"'),
        (" a ", '" a "'),
        ("a'b", '"a\'b"'),
        ('a"b', "'a\"b'"),
        ("""a"b'c""", '''"a""b'c"'''),
        ("", '""'),
    ],
)
def test_special_characters_are_quoted_as_dotnet_does(password: str, quoted: str) -> None:
    text = npgsql_keywords(host="h", port=1, username="u", password=password, database="d")
    assert f";password={quoted};database=d;" in text


@given(NO_NUL, NO_NUL, NO_NUL)
def test_every_value_survives(username: str, password: str, database: str) -> None:
    text = npgsql_keywords(host="h", port=1, username=username, password=password, database=database)
    assert parse(text) == {
        "host": "h",
        "port": "1",
        "username": username,
        "password": password,
        "database": database,
    }


def test_nul_is_refused_without_repeating_the_value() -> None:
    with pytest.raises(ValueError) as caught:
        npgsql_keywords(host="h", port=1, username="u", password="hidden\0word", database="d")
    assert "hidden" not in str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(codec="ascii")))
def test_what_was_encoded_decodes_under_the_same_key(text: str, key: str) -> None:
    assert decode(encoded(text, key), key) == text


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_stays_nothing(nothing: str | None) -> None:
    assert encode(nothing, KEY) is None


def test_only_the_first_32_characters_of_the_key_count() -> None:
    assert decode(encoded("host=h;", KEY), KEY[:32] + "different") == "host=h;"


def test_a_short_key_is_filled_with_zeros() -> None:
    assert decode(encoded("host=h;", "abc"), "abc" + "0" * 29) == "host=h;"


def test_every_encoding_has_its_own_initialisation_vector() -> None:
    assert len({base64.b64decode(encoded("host=h;", KEY))[:16] for _ in range(50)}) == 50


def test_openssl_reads_it() -> None:
    blob = base64.b64decode(encoded("host=h;password=ü;", KEY))
    plain = subprocess.run(
        ["openssl", "enc", "-d", "-aes-256-cbc", "-K", KEY[:32].encode().hex(), "-iv", blob[:16].hex()],
        input=blob[16:],
        capture_output=True,
        check=True,
    ).stdout
    assert plain.decode() == "host=h;password=ü;"


@given(st.text())
def test_another_text_is_garbage_or_refused_without_repeating_it(text: str) -> None:
    complaint = ""
    try:
        decode(text, KEY)
    except ValueError as error:
        complaint = str(error)
    assert complaint in {"", "not a connection string under this key"}
