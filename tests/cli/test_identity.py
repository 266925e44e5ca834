"""What the comparison with the identity provider prints."""

from typing import Any

import pytest

from tenant_api.cli.identity import show_report
from tenant_api.cli.output import Output

NONE: dict[str, Any] = {"count": 0, "clientIds": []}


def printed(capsys: pytest.CaptureFixture[str], **report: Any) -> list[str]:
    drift = {"missing": NONE, "foreign": NONE, **report.pop("drift", {})}
    show_report(Output(as_json=False), {"compared": 3, "underWay": 0, "limit": 100, "drift": drift, **report})
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("repair", ["NotAsked", "NotNeeded"])
def test_where_nothing_differs_no_repair_is_offered(capsys: pytest.CaptureFixture[str], repair: str) -> None:
    assert printed(capsys, drifted=0, repair=repair) == [
        "3 compared, 0 to repair, 0 under way.",
        "There is nothing to repair.",
    ]


def test_what_cannot_be_repaired_is_shown_and_no_repair_offered(capsys: pytest.CaptureFixture[str]) -> None:
    foreign = {"foreign": {"count": 1, "clientIds": ["a"]}}
    assert printed(capsys, drifted=0, repair="NotAsked", drift=foreign) == [
        "kind\tcount\tclientIds",
        "foreign\t1\ta",
        "3 compared, 0 to repair, 0 under way.",
        "There is nothing to repair.",
    ]


def test_what_differs_is_shown_with_the_way_to_repair_it(capsys: pytest.CaptureFixture[str]) -> None:
    missing = {"missing": {"count": 1, "clientIds": ["a"]}}
    assert printed(capsys, drifted=1, repair="NotAsked", drift=missing) == [
        "kind\tcount\tclientIds",
        "missing\t1\ta",
        "3 compared, 1 to repair, 0 under way.",
        "Nothing was changed. To repair what differs: --repair",
    ]
