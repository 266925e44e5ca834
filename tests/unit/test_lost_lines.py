"""What cannot be written to the log costs its line and nothing else; what can is written whole."""

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import structlog

from tenant_api.kernel.logging import setup_logging

CANARY = "c4nary-V4lue"


class Unspeakable:
    """Nothing can be said about it."""

    def __str__(self) -> str:
        raise RuntimeError(CANARY)


class Gone:
    """A stream whose reader left."""

    def write(self, _text: str) -> None:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    setup_logging(SimpleNamespace(level="INFO", format="json"))
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def test_an_event_of_ours_that_cannot_be_said_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").warning("odd", thing=Unspeakable())
        structlog.get_logger("ours").info("even")
    lost, even = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert lost.pop("timestamp").endswith("Z")
    assert lost == {"event": "odd", "level": "warning", "logger": "ours", "request_id": "r-1", "lost": "RuntimeError"}
    assert even["event"] == "even"


def test_what_is_left_of_an_event_hides_its_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("ours").info(f"login password={CANARY}", thing=Unspeakable())
    structlog.get_logger("ours").info(Unspeakable())
    hidden, nameless = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert hidden["event"] == "login password=[redacted]"
    assert (nameless["event"], nameless["level"]) == ("log.line_lost", "info")


@pytest.mark.parametrize("world", ["ours", "theirs"])
def test_a_stream_that_is_gone_ends_nothing(world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loggers = {"ours": structlog.get_logger("ours"), "theirs": logging.getLogger("theirs")}
    monkeypatch.setattr(sys, "stderr", Gone())
    loggers[world].info("lost")


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical", "exception"])
def test_every_level_is_written_as_what_it_is(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(SimpleNamespace(level="DEBUG", format="json"))
    getattr(structlog.get_logger("ours"), level)("told")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("told", "error" if level == "exception" else level)


def test_long_lines_of_several_threads_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    text = "x" * 100_000

    def tell(number: int) -> None:
        log = logging.getLogger("theirs") if number % 2 else structlog.get_logger("ours")
        log.info(text)

    with ThreadPoolExecutor(9) as threads, os.fdopen(reading, encoding="utf-8") as reader:
        lines = threads.submit(reader.readlines)
        with io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True) as unbuffered:
            monkeypatch.setattr(sys, "stderr", unbuffered)
            list(threads.map(tell, range(80)))
        events = [json.loads(line)["event"] for line in lines.result()]
    assert events == [text] * 80
