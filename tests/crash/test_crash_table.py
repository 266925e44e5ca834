"""A worker may die at any moment of a create or a delete: another one finishes, and nothing is lost or left."""

import asyncio

import pytest

from tests.crash.checker import check, files_of_nobody
from tests.crash.environment import PREPARED, Environment
from tests.crash.figures import described, percentile
from tests.crash.table import dry_run, points_of_change, run_cases

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash"), pytest.mark.timeout(400)]


def test_a_worker_killed_before_inside_and_after_every_change_is_replaced(environment: Environment) -> None:
    table = asyncio.run(dry_run(environment))
    creates, deletes = points_of_change(table.creates), points_of_change(table.deletes)
    asyncio.run(run_cases(environment, table, creates, deletes))
    print(f"\n{len(table.kills)} kills; {described(table.waits)}")
    assert table.problems == []
    assert {kill.point for kill in table.kills} >= {*creates, *deletes}
    assert check(environment, [PREPARED]).all == []
    assert files_of_nobody(environment) == []
    assert percentile(table.waits, 0.99) <= 5
