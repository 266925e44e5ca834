"""Whose a database is, judged without a server: every combination of markers, owners and notes."""

import itertools
import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db_provisioners.postgresql.markers import Marked, Proof, marker, proof
from db_provisioners.postgresql.ownership import Note, Standing, claim, judge
from db_provisioners.postgresql.sightings import Database, Role, Sighting
from db_provisioners.trial import HostForTests

HOST, TARGET = HostForTests(), uuid.uuid4()
DATABASE, OWNER, LOGIN, STRANGER = 501, 502, 503, 777


def role(name: str, oid: int, comment: str | None) -> Role:
    return Role(oid=oid, name=name, can_login=False, member=True, comment=comment)


def mark(kind: Marked, oid: int) -> str:
    return marker(HOST, kind, TARGET, oid)


COMPLETE = Sighting(
    name="ta_x",
    database=Database(
        oid=DATABASE,
        owner=OWNER,
        allows_connections=True,
        invalid=False,
        is_template=False,
        ours_to_drop=True,
        comment=mark(Marked.DATABASE, DATABASE),
    ),
    owner=role("ta_x_owner", OWNER, mark(Marked.ROLE, OWNER)),
    login=role("ta_x", LOGIN, mark(Marked.ROLE, LOGIN)),
    being_created=False,
)
ROW = Note(owner=OWNER, database=DATABASE, login=LOGIN)
UNDER_WAY = Note(owner=OWNER)


def with_database(**changes: Any) -> Sighting:
    assert COMPLETE.database is not None
    return replace(COMPLETE, database=replace(COMPLETE.database, **changes))


def standing(seen: Sighting, note: Note, host: HostForTests = HOST) -> Standing:
    return judge(host, TARGET, seen, note).database


@pytest.mark.parametrize("note", [Note(), ROW, UNDER_WAY])
@pytest.mark.parametrize("owner", [OWNER, STRANGER])
def test_its_own_marker_makes_a_database_ours_whoever_owns_it_now(note: Note, owner: int) -> None:
    assert standing(with_database(owner=owner), note) is Standing.OURS


@pytest.mark.parametrize("comment", [None, "", "our billing database", "tenant-api:v1:garbage"])
class TestWithoutAReadableMarker:
    def test_it_is_ours_if_its_owner_role_is_signed_and_its_oid_is_in_our_row(self, comment: str | None) -> None:
        assert standing(with_database(comment=comment), ROW) is Standing.OURS

    def test_it_is_foreign_with_another_oid_than_in_our_row(self, comment: str | None) -> None:
        assert standing(with_database(comment=comment), replace(ROW, database=STRANGER)) is Standing.FOREIGN

    def test_it_is_foreign_without_a_row(self, comment: str | None) -> None:
        assert standing(with_database(comment=comment), Note()) is Standing.FOREIGN

    def test_it_is_foreign_if_somebody_else_owns_it(self, comment: str | None) -> None:
        assert standing(with_database(comment=comment, owner=STRANGER), ROW) is Standing.FOREIGN

    @pytest.mark.parametrize("role_comment", [None, "x", mark(Marked.ROLE, STRANGER), mark(Marked.DATABASE, OWNER)])
    def test_it_is_foreign_if_its_owner_role_proves_nothing(
        self, comment: str | None, role_comment: str | None
    ) -> None:
        seen = replace(with_database(comment=comment), owner=role("ta_x_owner", OWNER, role_comment))
        assert standing(seen, ROW) is Standing.FOREIGN

    def test_a_create_under_way_claims_what_nobody_could_enter_yet(self, comment: str | None) -> None:
        closed = with_database(comment=comment, allows_connections=False)
        assert standing(closed, UNDER_WAY) is Standing.OURS
        assert standing(closed, Note()) is Standing.FOREIGN
        assert standing(closed, Note(owner=STRANGER)) is Standing.FOREIGN
        assert standing(with_database(comment=comment), UNDER_WAY) is Standing.FOREIGN


def test_a_create_whose_handle_was_lost_goes_by_the_signed_owner_role_only() -> None:
    assert claim(HOST, TARGET, COMPLETE, Note()) == UNDER_WAY
    assert claim(HOST, TARGET, COMPLETE, ROW) == ROW
    for comment in (None, mark(Marked.ROLE, STRANGER), marker(HostForTests(), Marked.ROLE, TARGET, OWNER)):
        forged = replace(COMPLETE, owner=role("ta_x_owner", OWNER, comment))
        assert claim(HOST, TARGET, forged, Note()) == Note()
    assert claim(HOST, uuid.uuid4(), COMPLETE, Note()) == Note()


@pytest.mark.parametrize("note", [Note(), ROW, UNDER_WAY])
def test_a_copied_marker_is_foreign_whatever_our_row_says(note: Note) -> None:
    assert standing(with_database(comment=mark(Marked.DATABASE, STRANGER)), note) is Standing.FOREIGN


def test_a_recreated_database_is_foreign() -> None:
    assert standing(with_database(oid=STRANGER), ROW) is Standing.FOREIGN
    assert standing(with_database(oid=STRANGER, comment=None), ROW) is Standing.FOREIGN


def test_the_marker_of_another_installation_is_foreign() -> None:
    other = HostForTests(key=HOST.key)
    comment = marker(other, Marked.DATABASE, TARGET, DATABASE)
    assert standing(with_database(comment=comment), ROW) is Standing.FOREIGN


def test_a_marker_from_a_newer_epoch_is_foreign_and_an_older_one_ours() -> None:
    newer = marker(replace(HOST, epoch=2), Marked.DATABASE, TARGET, DATABASE)
    assert standing(with_database(comment=newer), ROW) is Standing.FOREIGN
    assert standing(with_database(comment=newer), ROW, replace(HOST, epoch=3)) is Standing.OURS


def test_a_marker_proves_nothing_on_another_kind_of_thing() -> None:
    text = mark(Marked.ROLE, DATABASE)
    assert proof(HOST, Marked.ROLE, TARGET, DATABASE, text) is Proof.OWN
    assert proof(HOST, Marked.DATABASE, TARGET, DATABASE, text) is Proof.NONE


UNSIGNED_OWNER = role("ta_x_owner", OWNER, None)
STRIPPED_LOGIN = role("ta_x", LOGIN, None)


@pytest.mark.parametrize("note", [Note(), ROW, UNDER_WAY])
@pytest.mark.parametrize("comment", [None, "x", mark(Marked.ROLE, STRANGER), mark(Marked.DATABASE, OWNER)])
def test_an_owner_role_without_its_marker_is_foreign_beside_a_database_that_proves_itself(
    note: Note, comment: str | None
) -> None:
    verdict = judge(HOST, TARGET, replace(COMPLETE, owner=role("ta_x_owner", OWNER, comment)), note)
    assert (verdict.database, verdict.owner, verdict.login) == (Standing.OURS, Standing.FOREIGN, Standing.OURS)


@pytest.mark.parametrize(
    ("seen", "note", "expected"),
    [
        (COMPLETE, ROW, Standing.OURS),
        (replace(COMPLETE, database=None), ROW, Standing.OURS),
        (replace(COMPLETE, owner=UNSIGNED_OWNER), ROW, Standing.OURS),
        (replace(COMPLETE, owner=None), ROW, Standing.OURS),
        (replace(COMPLETE, owner=UNSIGNED_OWNER, database=None), ROW, Standing.FOREIGN),
        (replace(with_database(comment=None), owner=UNSIGNED_OWNER), ROW, Standing.FOREIGN),
        (replace(COMPLETE, owner=None, database=None), ROW, Standing.FOREIGN),
        (COMPLETE, replace(ROW, login=STRANGER), Standing.FOREIGN),
        (COMPLETE, Note(), Standing.FOREIGN),
    ],
)
def test_a_stripped_login_is_ours_by_its_oid_only_beside_a_marker_that_verifies(
    seen: Sighting, note: Note, expected: Standing
) -> None:
    assert judge(HOST, TARGET, replace(seen, login=STRIPPED_LOGIN), note).login is expected


def test_a_login_with_anothers_marker_is_foreign_whatever_our_row_says() -> None:
    seen = replace(COMPLETE, login=role("ta_x", LOGIN, mark(Marked.ROLE, STRANGER)))
    assert judge(HOST, TARGET, seen, ROW).login is Standing.FOREIGN


def test_nothing_is_absent_not_foreign() -> None:
    verdict = judge(HOST, TARGET, replace(COMPLETE, database=None, owner=None, login=None), ROW)
    assert {verdict.database, verdict.owner, verdict.login} == {Standing.ABSENT}
    assert not verdict.foreign


@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_no_changed_marker_is_ours(position: int, character: str) -> None:
    text = mark(Marked.DATABASE, DATABASE)
    position %= len(text)
    changed = text[:position] + character + text[position + 1 :]
    if changed != text:
        assert proof(HOST, Marked.DATABASE, TARGET, DATABASE, changed) is not Proof.OWN


def test_only_own_markers_or_full_evidence_make_a_database_ours() -> None:
    """All combinations at once: whoever adds a way to be ours must add it here."""
    comments = {"own": mark(Marked.DATABASE, DATABASE), "copied": mark(Marked.DATABASE, 9), "none": None}
    owners = {"signed": mark(Marked.ROLE, OWNER), "unsigned": None}
    notes = {"row": ROW, "under way": UNDER_WAY, "empty": Note()}
    ours = {
        (comment, owner, owned, note, opened)
        for (comment, text), (owner, signed), owned, (note, value), opened in itertools.product(
            comments.items(), owners.items(), (True, False), notes.items(), (True, False)
        )
        if standing(
            replace(
                with_database(comment=text, owner=OWNER if owned else STRANGER, allows_connections=opened),
                owner=role("ta_x_owner", OWNER, signed),
            ),
            value,
        )
        is Standing.OURS
    }
    by_marker = {combination for combination in ours if combination[0] == "own"}
    assert len(by_marker) == 2 * 2 * 3 * 2
    assert ours - by_marker == {
        ("none", "signed", True, "row", True),
        ("none", "signed", True, "row", False),
        ("none", "signed", True, "under way", False),
    }
