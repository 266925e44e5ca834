"""Every section runs to its end and says something. Nothing here judges a time: the suite shares its machine."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.creation import Created
from benchmarks.effort import Effort
from benchmarks.figures import Table, percentile
from benchmarks.profiled import REST, Profile
from benchmarks.report import Report
from benchmarks.runner import run

pytestmark = pytest.mark.dear

TINY = Effort(
    creates=3,
    rounds=1,
    seconds=0.1,
    warm_up_seconds=0.1,
    profile_seconds=0.5,
    connections=2,
    vendors=3,
    applications=200,
    clients=20,
)


@pytest.fixture(scope="module")
def report() -> Report:
    return run(TINY, lambda _: None)


def test_every_section_compares_with_its_baseline(report: Report) -> None:
    for section in report.sections:
        column = section.results.columns.index("ratio")
        ratios = [row.cells[column] for row in section.results.rows]
        assert 1.0 in ratios
        assert all(ratio is None or ratio > 0 for ratio in ratios)
        assert len([ratio for ratio in ratios if ratio not in (None, 1.0)]) >= 1


def test_every_row_of_the_service_stands_against_a_bare_one(report: Report) -> None:
    _, *requests = report.sections
    for section in requests:
        ratio = section.results.columns.index("ratio")
        ours = [row for row in section.results.rows if row.label.startswith(("GET /", "POST /"))]
        assert ours
        assert [row.label for row in ours if row.cells[ratio] is None] == []


def test_every_section_says_where_the_time_goes(report: Report) -> None:
    for section in report.sections:
        assert section.verdict
        assert all(table.rows for table in section.breakdowns)
    _, *requests = report.sections
    assert "signature" in {row.label for row in requests[-1].breakdowns[0].rows}
    for table in (table for section in requests for table in section.breakdowns):
        *parts, together = column(table, 1)
        assert sum(parts) == pytest.approx(together) == 100


def test_the_crowd_is_as_large_as_asked_for_and_the_document_has_twenty_claim_sets(report: Report) -> None:
    _, _, metadata, applications, tokens = report.sections
    assert "of 20 claim sets" in metadata.title
    assert "200 applications" in applications.title
    assert "20 clients" in tokens.title


def test_a_single_caller_is_measured_on_both_sides(report: Report) -> None:
    labels = [row.label for row in report.sections[2].results.rows]
    for status in ("200", "304"):
        assert {f"bare, {status}, one caller", f"GET /v3/authorizationMetadata, {status}, one caller"} <= set(labels)


def test_pages_are_measured_by_link_by_offset_and_with_a_count(report: Report) -> None:
    labels = [row.label for row in report.sections[3].results.rows]
    for page in ("first page", "page 7 by its link", "page 7 by offset", "first page with totalCount"):
        assert {f"bare, {page}", f"GET /v3/applications, {page}"} <= set(labels)


def column(table: Table, number: int) -> list[float]:
    """The figures of a column in which every row has one."""
    figures = []
    for row in table.rows:
        figure = row.cells[number]
        assert figure is not None, row.label
        figures.append(figure)
    return figures


def test_no_part_of_a_create_takes_less_than_nothing(report: Report) -> None:
    steps = report.sections[0].breakdowns[0]
    assert {"provision: CREATE DATABASE", "verify", "register"} <= {row.label for row in steps.rows}
    assert all(figure >= 0 for figure in column(steps, 0))


def test_the_parts_of_a_create_are_the_whole_of_it() -> None:
    def at(seconds: float) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)

    def lasted(start: float, end: float) -> dict[str, str]:
        return {"startedAt": at(start).isoformat(), "finishedAt": at(end).isoformat()}

    steps = [{"name": "provision", **lasted(1, 5)}, {"name": "verify", **lasted(6, 8)}]
    created = Created(asked=at(0), seen=at(10), job={**lasted(0.5, 9), "steps": steps}, copying=3)
    parts = created.parts()
    assert sum(parts.values()) == pytest.approx(created.seconds) == 10
    assert parts["provision: roles, markers, grants"] == pytest.approx(1)


def test_the_database_server_was_durable(report: Report) -> None:
    assert "fsync on, synchronous_commit on, full_page_writes on" in report.circumstances["database server"]


def test_both_forms_of_the_report_hold_every_row(report: Report) -> None:
    document, text = json.loads(report.as_json()), report.as_text()
    for section, written in zip(report.sections, document["sections"], strict=True):
        assert set(written["results"]) == {row.label for row in section.results.rows}
        assert all(row.label in text for row in section.results.rows)
        assert section.verdict in text


def test_a_stack_counts_for_the_first_part_that_it_names() -> None:
    stacks = [(3, ["/lib/json:dumps", "/app/inner.py:f", "/app/outer.py:g"]), (1, ["/lib/loop.py:run"])]
    profile = Profile(cpu_seconds=0.4, stacks=stacks, requests=100)
    costs = profile.costs({"inner": ["/app/inner.py"], "outer": ["/app/outer.py"]})
    assert costs == pytest.approx({"inner": 3.0, REST: 1.0})


@pytest.mark.parametrize(("values", "percent", "expected"), [([5.0], 99, 5.0), ([1.0, 3.0], 50, 2.0)])
def test_percentiles_of_few_values(values: list[float], percent: int, expected: float) -> None:
    assert percentile(values, percent) == expected
