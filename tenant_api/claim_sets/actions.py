"""The five actions that a claim set may grant."""

from enum import IntEnum


class Action(IntEnum):
    """The value is the action's id."""

    Create = 1
    Read = 2
    Update = 3
    Delete = 4
    ReadChanges = 5

    @property
    def uri(self) -> str:
        """The action's identity beyond this service."""
        return f"uri://ed-fi.org/api/actions/{self.name[0].lower()}{self.name[1:]}"

    @classmethod
    def named(cls, name: str) -> "Action | None":
        """The action of that name in any case."""
        return next((action for action in cls if action.name.lower() == name.lower()), None)
