"""Field rules in the contract's words (section 1.4). They annotate wire models and name all that fails."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

Failure = tuple[str, str]
"""Suffix of the member's key (`[0]` for an element) and the message."""


@runtime_checkable
class Rule(Protocol):
    """One rule about one member. `label` is the member's name in words: `Contact Name`."""

    def failures(self, value: Any, label: str) -> Iterator[Failure]:
        """Every way in which the value breaks the rule."""
        ...


def utf16_length(text: str) -> int:
    """Length as .NET counts it, so that limits agree with those of other services of this contract."""
    return len(text) + sum(character > "\uffff" for character in text)


@dataclass(frozen=True)
class Opaque:
    """No rule but leave: any text is taken, with the NUL character as well, for it is stored sealed and not as text."""


@dataclass(frozen=True)
class NotEmpty:
    """Not null, blank, zero or an empty list."""

    message: str | None = None

    def failures(self, value: Any, label: str) -> Iterator[Failure]:
        blank = not value.strip() if isinstance(value, str) else not value
        if blank:
            yield "", self.message or f"'{label}' must not be empty."


@dataclass(frozen=True)
class MaxLength:
    """At most so many characters."""

    limit: int
    message: str | None = None

    def failures(self, value: Any, label: str) -> Iterator[Failure]:
        length = utf16_length(value) if isinstance(value, str) else 0
        if length > self.limit:
            yield (
                "",
                self.message
                or f"The length of '{label}' must be {self.limit} characters or fewer. "
                f"You entered {length} characters.",
            )


@dataclass(frozen=True)
class Email:
    """Exactly one `@`, neither first nor last. Null passes, the empty text does not."""

    def failures(self, value: Any, label: str) -> Iterator[Failure]:
        if value is not None and not (value.count("@") == 1 and value[0] != "@" and value[-1] != "@"):
            yield "", f"'{label}' is not a valid email address."


@dataclass(frozen=True)
class Positive:
    """Greater than zero."""

    message: str | None = None

    def failures(self, value: Any, label: str) -> Iterator[Failure]:
        if value is not None and value <= 0:
            yield "", self.message or f"'{label}' must be greater than '0'."


@dataclass(frozen=True)
class Matches:
    """Fits a pattern as a whole. Null passes, the empty text only if it fits."""

    pattern: str
    message: str

    def failures(self, value: Any, label: str) -> Iterator[Failure]:  # noqa: ARG002 - the message is fixed
        if value is not None and not re.fullmatch(self.pattern, value):
            yield "", self.message


@dataclass(frozen=True)
class Each:
    """A rule for every element of a list; the key names the element."""

    rule: Rule

    def failures(self, value: Any, label: str) -> Iterator[Failure]:
        elements: Sequence[Any] = value or ()
        for index, element in enumerate(elements):
            for suffix, message in self.rule.failures(element, label):
                yield f"[{index}]{suffix}", message


@dataclass(frozen=True)
class EachEntry:
    """A rule for every entry of a comma-separated text; all failures stand under the member itself."""

    rule: Rule

    def failures(self, value: Any, label: str) -> Iterator[Failure]:
        for entry in (value or "").split(","):
            yield from self.rule.failures(entry.strip(), label)
