"""How much `make bench-tokens` measures."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StormEffort:
    """Bounds of one run. Keycloak gets longer to warm up, for its virtual machine compiles while it serves.

    `rotated` clients get new secrets while `rate` tokens per second are asked for; the old ones end
    `overlap_seconds` later. `good` and `bad` are the rates of right and of wrong secrets in a flood.
    """

    with_keycloak: bool = True
    clients: int = 50_000
    cached_clients: int = 1_000
    rounds: int = 3
    seconds: float = 5
    warm_up_seconds: float = 2
    keycloak_warm_up_seconds: float = 30
    connections: int = 16
    rotated: int = 1_000
    rate: float = 500
    overlap_seconds: int = 5
    rotations_per_second: float = 25
    good: float = 100
    bad: float = 100
    flood_seconds: float = 4
