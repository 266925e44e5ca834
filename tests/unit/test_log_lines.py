"""One line per event, in one form, without secrets."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
import structlog
from sqlalchemy.exc import StatementError

from tenant_api.kernel.logging import setup_logging
from tenant_api.settings.tree import LogSettings

CANARY = "c4nary-V4lue"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    setup_logging(LogSettings(level="INFO", format="json"))
    return read


def test_events_of_both_worlds_look_alike_and_carry_the_request_id(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").info("vendor.created", vendor=7)
        logging.getLogger("theirs").warning("disk %s", "full", extra={"free": 3})
    ours, theirs = lines()
    assert ours["event"] == "vendor.created"
    assert ours["vendor"] == 7
    assert theirs["event"] == "disk full"
    assert theirs["free"] == 3
    for line, level, logger in ((ours, "info", "ours"), (theirs, "warning", "theirs")):
        assert line["request_id"] == "r-1"
        assert line["level"] == level
        assert line["logger"] == logger
        assert str(line["timestamp"]).endswith("Z")


def test_a_traceback_repeats_no_statement_of_any_length(lines: Lines) -> None:
    error = StatementError("too many", "SELECT " + "%s, " * 70_000, None, ValueError("cause"))
    structlog.get_logger("ours").error("request.failed", exc_info=error)
    [line] = lines()
    assert "[SQL: SELECT %s, %s," in str(line["exception"])
    assert "too many" in str(line["exception"])
    assert len(str(line["exception"])) < 5_000


def test_what_is_below_the_level_is_not_logged(lines: Lines) -> None:
    structlog.get_logger("ours").debug("quiet")
    logging.getLogger("theirs").debug("quiet")
    assert lines() == []


def test_libraries_that_repeat_requests_are_quiet(lines: Lines) -> None:
    for name in ("httpx", "httpx2", "httpcore2.connection", "uvicorn.access"):
        logging.getLogger(name).info("GET /secret")
    assert lines() == []


@pytest.mark.parametrize("kind", ["json", "console"])
def test_secrets_are_hidden_in_members_messages_arguments_and_tracebacks(
    kind: Literal["json", "console"], capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging(LogSettings(level="INFO", format=kind))
    structlog.get_logger("ours").info("login", password=CANARY, nested={"token": CANARY})
    structlog.get_logger("ours").info("sent Authorization: Bearer %s", CANARY)
    logging.getLogger("theirs").info("connecting to %s", f"postgresql://u:{CANARY}@h/d")
    logging.getLogger("theirs").warning("with extra", extra={"dsn": CANARY})

    def fail(unlucky_local: str) -> None:
        raise RuntimeError(f"refused: password={unlucky_local}")

    try:
        fail(CANARY)
    except RuntimeError:
        structlog.get_logger("ours").exception("failed")
        logging.getLogger("theirs").exception("failed too")
    text = capsys.readouterr().err
    assert CANARY not in text
    assert text.count("RuntimeError") >= 2


@pytest.mark.parametrize("kind", ["json", "console"])
def test_tracebacks_show_no_local_variables(
    kind: Literal["json", "console"], capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging(LogSettings(level="INFO", format=kind))

    def fail(unnamed: str) -> None:
        raise RuntimeError(len(unnamed))

    try:
        fail(f"innocent-{CANARY}")
    except RuntimeError:
        structlog.get_logger("ours").exception("failed")
    assert "innocent-c4nary" not in capsys.readouterr().err


def test_a_call_with_wrong_arguments_loses_its_line_and_shows_nothing_of_them(lines: Lines) -> None:
    # Straight to the handler: pytest's own ones raise where ours must not.
    (handler, *_) = logging.getLogger().handlers
    handler.handle(
        logging.makeLogRecord({"name": "theirs", "levelname": "INFO", "msg": "%d and %s", "args": (CANARY,)})
    )
    found = lines()
    assert found[0] == {"event": "log.line_lost", "logger": "theirs", "level": "info", "lost": "TypeError"}
    assert CANARY not in str(found)


def test_setting_up_twice_does_not_write_twice(lines: Lines) -> None:
    setup_logging(LogSettings(level="INFO", format="json"))
    structlog.get_logger("ours").info("once")
    assert len(lines()) == 1


def test_standard_output_belongs_to_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(LogSettings(level="INFO", format="json"))
    structlog.get_logger("ours").info("once")
    assert capsys.readouterr().out == ""
    assert sys.stdout is not sys.stderr
