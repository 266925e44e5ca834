"""What the guard makes of a plugin: deadlines, measures, one family of errors, and a log of the strange."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from uuid import uuid4

import pytest
import structlog
from prometheus_client import REGISTRY

from tenant_api.kernel.logging import setup_logging
from tenant_api.plugins.guard import guarded

pytestmark = pytest.mark.anyio

CANARY = "c4nary-V4lue"


class FamilyError(Exception):
    """What plugins of this kind may raise."""


class AwayError(FamilyError):
    """One of them."""


class Plugin:
    """Does as it is told. Its name is its own, and with it its figures."""

    def __init__(self) -> None:
        self.name = f"plugin-{uuid4().hex}"
        self.issuer = "first"
        self.begun = asyncio.Event()

    def plain(self) -> str:
        return "plain"

    async def echo(self, value: str, *, loud: bool = False) -> str:
        return value.upper() if loud else value

    async def fail(self, error: Exception) -> None:
        raise error

    async def hang(self) -> None:
        self.begun.set()
        await asyncio.Event().wait()

    async def steps(self, error: Exception | None = None) -> AsyncIterator[str]:
        yield "first"
        if error:
            raise error
        yield "second"


@pytest.fixture
def plugin() -> Plugin:
    return Plugin()


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    setup_logging(SimpleNamespace(level="INFO", format="json"))
    yield capsys
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def behind_the_guard(plugin: Plugin, seconds: float = 30) -> Plugin:
    return guarded(plugin, family=FamilyError, unavailable=AwayError, seconds=seconds)


def counted(plugin: Plugin, call: str, outcome: str) -> float | None:
    labels = {"plugin": plugin.name, "call": call, "outcome": outcome}
    return REGISTRY.get_sample_value("tenant_api_plugin_call_seconds_count", labels)


async def test_every_call_passes_its_arguments_and_is_measured(plugin: Plugin) -> None:
    guard = behind_the_guard(plugin)
    assert await guard.echo("a") == "a"
    assert await guard.echo("b", loud=True) == "B"
    assert counted(plugin, "echo", "ok") == 2


async def test_what_is_no_call_is_the_plugins_own_at_every_moment(plugin: Plugin) -> None:
    guard = behind_the_guard(plugin)
    assert (guard.issuer, guard.plain()) == ("first", "plain")
    plugin.issuer = "second"
    assert guard.issuer == "second"
    with pytest.raises(AttributeError):
        guard.absent  # type: ignore[attr-defined]  # noqa: B018 - asked for is enough


async def test_two_plugins_of_one_kind_are_kept_apart(plugin: Plugin) -> None:
    other = Plugin()
    await behind_the_guard(plugin).echo("a")
    with pytest.raises(AwayError):
        await behind_the_guard(other).fail(AwayError())
    assert (counted(plugin, "echo", "ok"), counted(other, "fail", "AwayError")) == (1, 1)
    assert (counted(plugin, "fail", "AwayError"), counted(other, "echo", "ok")) == (None, None)


async def test_a_call_that_overruns_is_ended_and_unavailable(plugin: Plugin) -> None:
    guard = behind_the_guard(plugin, seconds=0.01)
    for _ in range(2):
        with pytest.raises(AwayError, match=r"hang took longer than 0\.01 s"):
            await guard.hang()
    assert counted(plugin, "hang", "timeout") == 2


async def test_a_caller_that_leaves_is_no_failure(plugin: Plugin) -> None:
    call = asyncio.create_task(behind_the_guard(plugin).hang())
    await plugin.begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert counted(plugin, "hang", "cancelled") == 1


async def test_errors_of_the_family_pass_as_they_are(plugin: Plugin, log: pytest.CaptureFixture[str]) -> None:
    guard, refusal = behind_the_guard(plugin), FamilyError("refused")
    with pytest.raises(FamilyError) as caught:
        await guard.fail(refusal)
    assert caught.value is refusal
    assert counted(plugin, "fail", "FamilyError") == 1
    assert log.readouterr().err == ""


async def test_a_stray_exception_is_logged_and_joins_the_family(
    plugin: Plugin, log: pytest.CaptureFixture[str]
) -> None:
    stray = RuntimeError(f"refused: password={CANARY}")
    with pytest.raises(FamilyError, match="fail failed unexpectedly") as caught:
        await behind_the_guard(plugin).fail(stray)
    assert caught.value.__cause__ is stray
    assert counted(plugin, "fail", "unexpected") == 1
    [line] = [json.loads(line) for line in log.readouterr().err.splitlines()]
    assert (line["event"], line["plugin"], line["call"]) == ("plugin.call.failed", plugin.name, "fail")
    assert "RuntimeError: refused" in line["exception"]
    assert CANARY not in str(line)


async def test_a_call_that_reports_progress_is_measured_as_one(plugin: Plugin, log: pytest.CaptureFixture[str]) -> None:
    guard = behind_the_guard(plugin, seconds=0.01)
    assert [event async for event in guard.steps()] == ["first", "second"]
    with pytest.raises(FamilyError, match="steps failed unexpectedly"):
        _ = [event async for event in guard.steps(KeyError("odd"))]
    assert (counted(plugin, "steps", "ok"), counted(plugin, "steps", "unexpected")) == (1, 1)
    assert "plugin.call.failed" in log.readouterr().err
