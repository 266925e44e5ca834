"""Secrets where none may be: which one, and where."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from idp_providers.suite.texts import chain_of

Shown = tuple[str, str]
"""A place, and the text that it shows."""


def leaks(secrets: Mapping[str, str], shown: Iterable[Shown]) -> list[str]:
    """What leaked where, such as `the given secret: in the log of acme`."""
    return [f"{name}: in {place}" for place, text in shown for name, secret in secrets.items() if secret in text]


def shown_by_error(error: BaseException) -> list[Shown]:
    """All that an error shows, its causes included."""
    return [(f"the {type(error).__name__}, its causes or its traceback", text) for text in chain_of(error)]


def shown_by_log(log: pytest.LogCaptureFixture) -> list[Shown]:
    """Every line with what comes along as `extra`."""
    return [
        (f"the log of {record.name}, {record.module}:{record.lineno}", f"{log.handler.format(record)} {vars(record)}")
        for record in log.records
    ]


@contextmanager
def everything_logged(log: pytest.LogCaptureFixture) -> Iterator[None]:
    """Down to debug. The report of a failed test shows warnings only: HTTP libraries would bury what it says."""
    others = {handler: handler.level for handler in logging.getLogger().handlers if handler is not log.handler}
    for handler in others:
        handler.setLevel(logging.WARNING)
    try:
        with log.at_level(logging.DEBUG):
            yield
    finally:
        for handler, level in others.items():
            handler.setLevel(level)
