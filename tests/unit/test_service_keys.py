"""Key rings, and the file that keeps the keys of an embedded installation."""

import base64
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_api.kernel.keys import KeyRing, ServiceKeys, generate_keys, load_or_create_keys


def ring_text(*ids: str) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(key_id.ljust(32, '.').encode()).decode()}" for key_id in ids)


def test_the_first_key_is_the_newest() -> None:
    ring = KeyRing.parse(ring_text("k2", "k1"))
    assert ring.newest.id == "k2"
    assert ring.sign(b"message").startswith("k2:")


def test_a_signature_of_any_key_of_the_ring_is_valid_and_the_old_one_is_known_as_old() -> None:
    old = KeyRing.parse(ring_text("k1")).sign(b"message")
    ring = KeyRing.parse(ring_text("k2", "k1"))
    assert ring.signed(b"message", old)
    assert not ring.is_newest(old)
    assert ring.is_newest(ring.sign(b"message"))


def test_a_signature_of_a_key_that_left_the_ring_is_invalid() -> None:
    old = KeyRing.parse(ring_text("k1")).sign(b"message")
    assert not KeyRing.parse(ring_text("k2")).signed(b"message", old)


def test_a_key_of_the_same_id_with_another_secret_verifies_nothing() -> None:
    signature = KeyRing.parse(generate_keys()["marker"]).sign(b"message")
    assert not KeyRing.parse(generate_keys()["marker"]).signed(b"message", signature)


@given(st.binary(), st.binary(), st.text())
def test_only_the_signed_message_and_the_exact_signature_are_valid(message: bytes, other: bytes, noise: str) -> None:
    ring = KeyRing.parse(ring_text("k2", "k1"))
    signature = ring.sign(message)
    assert ring.signed(message, signature)
    assert ring.signed(other, signature) == (other == message)
    assert not ring.signed(message, noise)
    assert ring.signed(message, signature + noise) == (noise == "")


def test_both_alphabets_of_base64_are_read_with_and_without_padding() -> None:
    secret = b"\xfb\xff" * 16
    standard = base64.b64encode(secret).decode()
    texts = [standard, standard.rstrip("="), standard.replace("+", "-").replace("/", "_")]
    assert {KeyRing.parse(f"k:{text}").newest.secret for text in texts} == {secret}


@pytest.mark.parametrize("text", ["", ",", "k1:", "k1", ":AAAA", "k.1:" + "A" * 43, "k1:" + "A" * 20, "k1:" + "A" * 90])
def test_a_malformed_ring_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^key 1 "):
        KeyRing.parse(text)


def test_two_keys_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="distinct"):
        KeyRing.parse(ring_text("k1", "k1"))


@given(st.text())
def test_no_complaint_about_a_ring_repeats_its_secret(text: str) -> None:
    secret = "c2VjcmV0" + text
    with pytest.raises(ValueError) as caught:
        KeyRing.parse(f"k1:{secret}")
    assert "c2VjcmV0" not in str(caught.value)


def test_no_secret_shows_in_the_representation() -> None:
    texts = generate_keys()
    keys = ServiceKeys.parse(texts)
    shown = repr(keys)
    assert keys.connection_strings not in shown
    assert repr(keys.pepper.newest.secret) not in shown


def test_generated_keys_are_distinct_and_long_enough() -> None:
    texts = [text for _ in range(20) for text in generate_keys().values()]
    assert len(set(texts)) == len(texts)
    assert all(len(keys["connection_strings"]) == 32 for keys in (generate_keys() for _ in range(20)))


def test_the_file_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    first = load_or_create_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_keys(path) == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.env"]


def test_the_file_can_be_used_as_environment(tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    keys = load_or_create_keys(path)
    environ = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert environ["TENANT_API_KEYS__CONNECTION_STRINGS"] == keys.connection_strings
    assert KeyRing.parse(environ["TENANT_API_KEYS__SEALING"]) == keys.sealing


def test_a_given_key_stands_instead_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "keys.env"
    stored = load_or_create_keys(path)
    shared = "shared-with-the-data-plane-01234567"
    keys = load_or_create_keys(path, {"connection_strings": shared})
    assert keys.connection_strings == shared
    assert keys.sealing == stored.sealing


@pytest.mark.parametrize("content", ["", "TENANT_API_KEYS__SEALING=k1:hidden-word\n"])
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.env"
    path.write_text(content)
    with pytest.raises(ValueError) as caught:
        load_or_create_keys(path)
    assert str(path) in str(caught.value)
    assert "hidden-word" not in str(caught.value)
    assert path.read_text() == content


def test_processes_that_start_at_once_agree_on_one_file(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("forkserver")) as pool:
        for round_ in range(20):
            path = tmp_path / f"keys-{round_}.env"
            results = list(pool.map(load_or_create_keys, [path] * 4))
            assert all(result == results[0] for result in results)
    assert not list(tmp_path.glob(".*"))
