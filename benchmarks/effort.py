"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Bounds of one run. `rounds` alternate between the service and its baseline, so that both meet the same noise."""

    creates: int = 15
    rounds: int = 4
    seconds: float = 1.5
    warm_up_seconds: float = 0.5
    profile_seconds: float = 2.5
    connections: int = 16
    vendors: int = 200
    clients: int = 200
