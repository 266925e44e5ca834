"""The storm runs to its end on a small crowd. Nothing here judges a time: the suite shares its machine."""

import pytest

from benchmarks import storm, wrk
from benchmarks.figures import Section
from benchmarks.issuers import MissingPartError
from benchmarks.report import Report
from benchmarks.storm_effort import StormEffort

pytestmark = pytest.mark.dear

TINY = StormEffort(
    with_keycloak=False,
    clients=40,
    cached_clients=10,
    rounds=1,
    seconds=1,
    warm_up_seconds=1,
    connections=2,
    rotated=12,
    rate=50,
    overlap_seconds=1,
    rotations_per_second=6,
    good=20,
    bad=20,
    flood_seconds=0.5,
)


@pytest.fixture(scope="module")
def report() -> Report:
    return storm.run(TINY, storm.PARTS, lambda _: None)


def section(report: Report, beginning: str) -> Section:
    return next(section for section in report.sections if section.title.startswith(beginning))


def cells(section: Section, label: str) -> dict[str, float]:
    """What a row holds, without the columns that do not apply to it."""
    row = next(row for row in section.results.rows if row.label.startswith(label))
    named = zip(section.results.columns, row.cells, strict=True)
    return {column: cell for column, cell in named if cell is not None}


def test_every_client_gets_its_tokens_while_its_secret_rotates(report: Report) -> None:
    rotating = section(report, "50 token requests per second while 12 credentials rotate")
    assert cells(rotating, "clients that got a new secret")["count"] == 12
    assert cells(rotating, "tokens asked for")["count"] > 12
    assert cells(rotating, "requests that got no token")["count"] == 0


def test_right_secrets_get_their_tokens_while_wrong_ones_are_refused(report: Report) -> None:
    flood = section(report, "20 right secrets per second")
    assert "; 0 right secrets got no token" in flood.verdict
    guessed = [row for row in flood.results.rows if row.label.startswith("while ")]
    assert len(guessed) == 4
    assert all(cells(flood, row.label)["of them 401"] > 0 for row in guessed)


@pytest.mark.skipif(not wrk.is_there(), reason=wrk.MISSING)
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_tokens_are_granted_by_one_and_by_two_processes(report: Report, algorithm: str) -> None:
    granting = section(report, f"Granting tokens beside Keycloak, {algorithm}")
    for label in ("ours, 1 process", "ours, 2 processes"):
        assert cells(granting, label)["per s"] > 0
    assert "signature" in {row.label for row in granting.breakdowns[0].rows}


def test_without_the_load_generator_its_part_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrk, "is_there", lambda: False)
    monkeypatch.delenv("CI", raising=False)
    report = storm.run(TINY, ["issuers"], lambda _: None)
    assert report.sections == ()
    assert report.circumstances["skipped"] == wrk.MISSING


def test_without_the_load_generator_a_pipeline_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrk, "is_there", lambda: False)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(MissingPartError, match="apt-get install wrk"):
        storm.run(TINY, ["issuers"], lambda _: None)
