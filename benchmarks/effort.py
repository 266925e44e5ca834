"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Bounds of one run. `rounds` alternate between the service and its baseline, so that both meet the same noise."""

    creates: int = 10
    rounds: int = 3
    seconds: float = 1.2
    warm_up_seconds: float = 0.5
    profile_seconds: float = 2.0
    connections: int = 16
    vendors: int = 200
    applications: int = 100_000
    clients: int = 50_000
