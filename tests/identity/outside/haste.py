"""What failed is tried again after a twentieth of the time that a service leaves its provider alone."""

import pytest

from tenant_api.identity import backlog, comparison, steps
from tenant_api.operations import engine

HASTE = 20
PAUSES = {
    backlog: ("FIRST_DELAY",),
    comparison: ("PAUSE",),
    steps: ("LONGEST_LOOK_AWAY", "SHORTEST_PAUSE", "FAILED_PAUSE"),
    engine: ("SHORT_WAIT", "FIRST_BACKOFF"),
}


def hasten(patch: pytest.MonkeyPatch) -> None:
    """In this process, and in those that it forks. Which pause is longer than which stays as it is."""
    for module, names in PAUSES.items():
        for name in names:
            patch.setattr(module, name, getattr(module, name) / HASTE)
