"""What is wrong with the settings, all of it at once."""

from collections.abc import Sequence


class SettingsError(Exception):
    """The service cannot start as configured. The text has one problem per line, and never a value."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
