"""What a comparison has found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tenant_api.db.tables import IdentityReconciliation
from tenant_api.identity.agreement import Drift

COUNTED: Mapping[Drift, str] = {
    Drift.MISSING: "missing",
    Drift.FOREIGN: "foreign_clients",
    Drift.CLAIMS_DIFFER: "claims_differ",
    Drift.ENABLED_DIFFERS: "enabled_differs",
    Drift.DETAILS_DIFFER: "details_differ",
}
"""The column that counts each kind."""


class Repair(StrEnum):
    """What became of the drift. `DONE`: by this job itself; `STARTED`: by another one."""

    NOT_ASKED = "NotAsked"
    NOT_NEEDED = "NotNeeded"
    TOO_MUCH = "TooMuch"
    STARTED = "Started"
    DONE = "Done"


@dataclass(frozen=True, kw_only=True)
class Found:
    """How many clients differ in one way, and the first of them."""

    count: int
    client_ids: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """A comparison with the clients that it found."""

    row: IdentityReconciliation
    drift: Mapping[Drift, Found]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What the comparison of a few clients found; `last` is the id of the last one."""

    last: str
    compared: int
    under_way: int
    drift: Mapping[str, Collection[Drift]]

    @property
    def drifted(self) -> int:
        """Clients that can be repaired."""
        return sum(1 for kinds in self.drift.values() if kinds and Drift.FOREIGN not in kinds)

    def count(self, kind: Drift) -> int:
        """Clients that differ in this way."""
        return sum(1 for kinds in self.drift.values() if kind in kinds)


def summary_of(row: IdentityReconciliation) -> str:
    """One sentence about the outcome, and one about the repair. No client is named."""
    drifted, foreign = row.drifted, row.foreign_clients
    said = [f"{_clients(row.compared)} compared."]
    if drifted == foreign == 0:
        said.append("None differs from what the rows want.")
    if drifted:
        outcome = _REPAIRS[Repair(row.repair or Repair.NOT_ASKED)].format(limit=row.repair_limit)
        said.append(f"{_clients(drifted)} to be repaired. {outcome}")
    if foreign:
        said.append(f"{_clients(foreign)} with ids of ours that this installation did not make, left as they are.")
    return " ".join(said)


_REPAIRS = {
    Repair.NOT_ASKED: "A repair was not asked for.",
    Repair.NOT_NEEDED: "",
    Repair.TOO_MUCH: "That is more than the limit of {limit}: nothing was changed.",
    Repair.STARTED: "Another job does it.",
    Repair.DONE: "It is done.",
}


def _clients(number: int) -> str:
    return "1 client" if number == 1 else f"{number} clients"
