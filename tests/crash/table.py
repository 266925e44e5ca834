"""The table: every create and every delete is killed at each of its points, each in a service of its own."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.crash.cases import Kill, killed_and_recovered, statements_of, watching
from tests.crash.checker import check
from tests.crash.environment import Environment
from tests.crash.proxy import KillPoint, Moment, Statement
from tests.crash.statements import changes, every_moment, of_one_operation

AT_ONCE = 10
_STRIDE = 7


@dataclass
class Table:
    """What happened. `problems` is empty when all is well."""

    creates: list[Statement]
    deletes: list[Statement]
    kills: list[Kill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def waits(self) -> list[float]:
        return [kill.waited for kill in self.kills if kill.waited is not None]


async def dry_run(environment: Environment) -> Table:
    """All statements of one create and one delete that nobody disturbs."""
    async with environment.service_database() as service, watching(environment, service) as watch:
        creates = of_one_operation(await statements_of(environment, service, watch, ("create", "Dry run")))
        deletes = of_one_operation(await statements_of(environment, service, watch, ("delete", 1)))
    return Table(creates, deletes)


def points_of_change(statements: Sequence[Statement]) -> list[KillPoint]:
    """Before, inside and after everything that lasts."""
    return list(every_moment(changes(statements)))


def all_points(statements: Sequence[Statement]) -> list[KillPoint]:
    return list(every_moment(range(len(statements))))


async def run_cases(environment: Environment, table: Table, creates: list[KillPoint], deletes: list[KillPoint]) -> None:
    """A create and a delete are killed in each case, as both lists last; the shorter one goes on with reads."""
    gate = asyncio.Semaphore(AT_ONCE)
    spare_creates = itertools.cycle(_between(table.creates, creates))
    spare_deletes = itertools.cycle(_between(table.deletes, deletes))

    async def case(name: str, create: KillPoint, delete: KillPoint) -> None:
        async with gate:
            kills = await _both(environment, table, name, (create, delete))
            if not all(kill.statement for kill in kills):
                kills = await _both(environment, table, f"{name} again", (create, delete))
            table.kills += kills
            table.problems += [f"{name}: not reached {kill}" for kill in kills if not kill.statement]

    cases = []
    for number in range(max(len(creates), len(deletes))):
        create = creates[number] if number < len(creates) else next(spare_creates)
        delete = deletes[number] if number < len(deletes) else next(spare_deletes)
        cases.append(case(f"case {number}", create, delete))
    await asyncio.gather(*cases)


async def _both(environment: Environment, table: Table, name: str, points: tuple[KillPoint, KillPoint]) -> list[Kill]:
    kills = []
    async with environment.service_database() as service, watching(environment, service) as watch:
        for order, point in zip((("create", name), ("delete", 1)), points, strict=True):
            kill = await killed_and_recovered(environment, service, watch, order, point)
            kills.append(kill)
            found = await asyncio.to_thread(
                check, environment, [service], beginning=f"ta_default_{name.replace(' ', '_')}_"
            )
            wrong = [] if kill.state == "succeeded" else [kill.state]
            table.problems += [f"{name}, {order[0]} killed {kill}: {line}" for line in (*wrong, *found.all)]
    return kills


def _between(statements: Sequence[Statement], taken: Sequence[KillPoint]) -> list[KillPoint]:
    """The statements that no point names, each while it is under way; spread over the whole run."""
    left = [number for number in range(len(statements)) if number not in {point.number for point in taken}]
    spread = [number for offset in range(_STRIDE) for number in left[offset::_STRIDE]]
    return [KillPoint(number, Moment.INSIDE) for number in spread] or list(taken)
