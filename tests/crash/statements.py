"""Which statements of a run are worth a kill: all of them, or those after which the server is not what it was."""

from collections.abc import Iterator, Sequence

from tests.crash.proxy import FIRST_WORDS_OF_CLAIM, KillPoint, Moment, Statement

_READ_ONLY = ("SELECT", "BEGIN", ";", "ROLLBACK", "NOTIFY", "COMMIT", "SAVEPOINT", "RELEASE")


def of_one_operation(statements: Sequence[Statement]) -> list[Statement]:
    """From the first claim up to the next one, which looks for more work."""
    ends = [number for number, statement in enumerate(statements) if is_claim(statement)][1:2] or [len(statements)]
    return list(statements[: ends[0]])


def is_claim(statement: Statement) -> bool:
    return statement.text.startswith(FIRST_WORDS_OF_CLAIM)


def changes(statements: Sequence[Statement]) -> list[int]:
    """The numbers of the statements that make a change last: commits of writes, and writes outside a transaction.

    Between two of them every moment leaves the server in the same state.
    """
    found = []
    inside, written = False, False
    for number, statement in enumerate(statements):
        text = statement.text.strip()
        if text == "BEGIN":
            inside, written = True, False
        elif text in {"COMMIT", "ROLLBACK"}:
            if written and text == "COMMIT":
                found.append(number)
            inside, written = False, False
        elif not text.startswith(_READ_ONLY):
            written = True
            if not inside:
                found.append(number)
    return found


def every_moment(numbers: Sequence[int]) -> Iterator[KillPoint]:
    for number in numbers:
        for moment in Moment:
            yield KillPoint(number, moment)
