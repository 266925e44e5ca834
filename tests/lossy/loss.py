"""A line on which answers get lost, and how many did."""

import random
from dataclasses import dataclass


@dataclass
class Loss:
    """Loses this share of all answers while it is `on`; what was asked has had its effect by then."""

    dice: random.Random
    share: float
    on: bool = False
    dropped: int = 0

    def strikes(self) -> bool:
        """Whether the next answer gets lost."""
        lost = self.on and self.dice.random() < self.share
        self.dropped += lost
        return lost
