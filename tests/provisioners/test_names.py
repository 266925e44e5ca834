import re

from hypothesis import given
from hypothesis import strategies as st

from db_provisioners.names import MAX_BYTES, is_physical_name, owner_of, physical_name

ANYTHING = st.text(st.characters(codec=None), max_size=300)


@given(ANYTHING, ANYTHING, st.binary(max_size=64))
def test_every_input_gives_a_legal_name(tenant: str, name: str, entropy: bytes) -> None:
    physical = physical_name(tenant, name, entropy)
    assert re.fullmatch(r"ta_[a-z0-9_]+_[a-z2-7]{10}", physical)
    assert is_physical_name(physical)
    assert len(physical.encode()) <= MAX_BYTES
    assert len(owner_of(physical).encode()) <= 63


@given(ANYTHING, ANYTHING, st.binary(min_size=8, max_size=16), st.binary(min_size=8, max_size=16))
def test_entropy_alone_makes_a_name_unique(tenant: str, name: str, one: bytes, other: bytes) -> None:
    assert (physical_name(tenant, name, one) == physical_name(tenant, name, other)) == (one == other)


@given(ANYTHING, st.binary(min_size=8, max_size=8))
def test_no_owner_role_is_named_like_a_database(tenant: str, entropy: bytes) -> None:
    assert not re.fullmatch(r"ta_.+_[a-z2-7]{10}", owner_of(physical_name(tenant, tenant, entropy)))


def test_names_are_readable() -> None:
    assert physical_name("Grand Bend", "2026 Sandbox!", b"x").startswith("ta_grand_bend_2026_sandbox_")
    assert physical_name("(default)", "Ünïted Störe", b"x").startswith("ta_default_united_store_")
    assert physical_name("", "学校", b"x").startswith("ta_x_x_")


def test_long_names_are_cut_not_refused() -> None:
    physical = physical_name("t" * 200, "n" * 200, b"x")
    assert len(physical) == MAX_BYTES
