"""Sealed texts open where and as they were made, and nowhere else."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenant_api.kernel.keys import KeyRing, generate_keys
from tenant_api.kernel.sealing import Sealer, SealError

K1 = generate_keys()["sealing"]
K2 = generate_keys()["sealing"].replace("k1:", "k2:")
COMPLAINTS = {
    "not a sealed text of a known version",
    "sealed with a key that is not in the ring",
    "not a sealed text",
    "changed, or sealed for another place",
}
OLD, BOTH, NEW = (Sealer(KeyRing.parse(text)) for text in (K1, f"{K2},{K1}", K2))


@given(st.binary(), st.text())
def test_what_was_sealed_opens_in_its_context(plain: bytes, context: str) -> None:
    assert NEW.unseal(NEW.seal(plain, context), context) == plain


@given(st.binary(), st.text(), st.text())
def test_another_context_does_not_open_it(plain: bytes, context: str, other: str) -> None:
    sealed = NEW.seal(plain, context)
    if other != context:
        with pytest.raises(SealError):
            NEW.unseal(sealed, other)


def test_nothing_repeats_between_two_seals_of_one_secret() -> None:
    first, second = (NEW.seal(b"secret", "t:c:1").split(".") for _ in range(2))
    assert first[:2] == second[:2]
    assert not set(first[2:]) & set(second[2:])


def test_the_plain_text_is_not_in_the_sealed_one() -> None:
    sealed = NEW.seal(b"a rather long secret", "t:c:1")
    assert b"rather" not in b"".join(base64.urlsafe_b64decode(p + "==") for p in sealed.split(".")[2:])


@given(st.data())
def test_any_change_of_one_character_is_noticed(data: st.DataObject) -> None:
    sealed = NEW.seal(b"secret", "t:c:1")
    index = data.draw(st.integers(0, len(sealed) - 1))
    character = data.draw(st.characters().filter(lambda c: c != sealed[index]))
    with pytest.raises(SealError):
        NEW.unseal(sealed[:index] + character + sealed[index + 1 :], "t:c:1")


@given(st.text())
@example("not a sealed text")
def test_any_other_text_is_refused_without_repeating_it(text: str) -> None:
    for sealed in (text, f"v1.{text}", f"v1.k2.{text}", f"v1.k2.AAAA.{text}"):
        with pytest.raises(SealError) as caught:
            NEW.unseal(sealed, "t:c:1")
        # Not "the text is not in it": Hypothesis also draws what stands in the source, such as these sentences.
        assert str(caught.value) in COMPLAINTS


def test_an_older_key_of_the_ring_opens_what_it_sealed() -> None:
    assert BOTH.unseal(OLD.seal(b"secret", "t:c:1"), "t:c:1") == b"secret"


def test_a_key_that_left_the_ring_opens_nothing() -> None:
    with pytest.raises(SealError, match="not in the ring"):
        NEW.unseal(OLD.seal(b"secret", "t:c:1"), "t:c:1")


def test_rewrapping_moves_to_the_newest_key_and_leaves_the_data_alone() -> None:
    old = OLD.seal(b"secret", "t:c:1")
    new = BOTH.rewrap(old, "t:c:1")
    assert (BOTH.is_newest(old), BOTH.is_newest(new)) == (False, True)
    assert NEW.unseal(new, "t:c:1") == b"secret"
    assert new.split(".")[3] == old.split(".")[3]
    assert BOTH.rewrap(new, "t:c:1") == new


def test_rewrapping_demands_the_context_too() -> None:
    with pytest.raises(SealError):
        BOTH.rewrap(OLD.seal(b"secret", "t:c:1"), "t:c:2")
    with pytest.raises(SealError):
        BOTH.rewrap(BOTH.seal(b"secret", "t:c:1"), "t:c:2")


def test_halves_of_two_seals_do_not_make_a_third() -> None:
    one, two = (NEW.seal(text, "t:c:1").split(".") for text in (b"one", b"two"))
    with pytest.raises(SealError):
        NEW.unseal(".".join([*one[:3], two[3]]), "t:c:1")
