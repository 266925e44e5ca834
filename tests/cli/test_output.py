"""What commands and the demo print."""

import json

import pytest
from rich.console import Console

from tenant_api.cli.demo.stage import discreet, written
from tenant_api.cli.output import Output


def test_json_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.say("hello")
    with output.progress("Working") as report:
        report("half", 0.5)
    output.table([{"a": "[red]é"}], ["a"])
    assert json.loads(capsys.readouterr().out) == [{"a": "[red]é"}]


def test_progress_off_a_terminal_is_a_plain_line_per_change(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(as_json=False).progress("Working") as report:
        for message, fraction in (("one", None), ("one", None), ("two", 0.5), ("two", 0.5)):
            report(message, fraction)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["Working", "one", "two (50%)"]


def test_an_object_shows_its_inner_objects_indented_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).members({"name": "[bold]", "counts": {"a": 1, "bcd": 2}, "why": None, "ids": [1, 2]})
    expected = ["name    [bold]", "counts", "  a    1", "  bcd  2", "why     -", "ids     1, 2"]
    assert capsys.readouterr().out.splitlines() == expected


HOSTILE = "\x1b]0;owned\x07\x1b[2Kname\tof\nmine\x9b\u202e\ud800"


@pytest.mark.parametrize("show", ["table", "members", "say", "result", "progress", "document"])
@pytest.mark.parametrize("terminal", [True, False])
def test_text_of_others_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], show: str, terminal: bool
) -> None:
    output = Output(as_json=show == "document")
    output.console = Console(highlight=False, markup=False, soft_wrap=True, force_terminal=terminal, width=200)
    item = {"name": HOSTILE, "inner": [HOSTILE, {"a": HOSTILE}]}
    match show:
        case "table":
            output.table([item], list(item))
        case "members":
            output.members(item)
        case "say" | "result":
            getattr(output, show)(*[HOSTILE] * (1 if show == "say" else 2))
        case "progress":
            with output.progress(HOSTILE) as report:
                report(HOSTILE)
        case _:
            output.document(item)
            assert json.loads(capsys.readouterr().out) == item
            output.document(item)
    out = capsys.readouterr().out
    assert "name" in out
    assert not set(out) & set("\x07\x9b\u202e\ud800")
    assert "\x1b]" not in out
    assert "\x1b[2Kname" not in out
    if show in ("table", "members"):
        assert "of\\u000amine" in out, "a cell is one line"


LOOKS_LIKE_MARKUP = "a:x:b:O:c[bold]d[/i]e:100:"


@pytest.mark.parametrize("terminal", ["0", "1"])
def test_secrets_and_names_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: str
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    output, text = Output(as_json=False), LOOKS_LIKE_MARKUP
    assert output.console.is_terminal == (terminal == "1")
    output.say(text)
    output.result({}, text)
    output.members({text: text})
    output.table([{text: text}], [text])
    with output.progress(text) as report:
        report(text)
    printed = capsys.readouterr().out
    assert printed.count(text) >= 8
    assert "\N{CROSS MARK}" not in printed


def test_the_demo_shortens_secrets_at_any_depth() -> None:
    shown = discreet({"items": [{"secret": "s3cret-value-of-a-client", "name": "n"}], "connectionString": None})
    assert shown == {"items": [{"secret": "s3cret… (24 characters)", "name": "n"}], "connectionString": None}


@pytest.mark.parametrize("value", [{}, [], {"a": {"b": ["x" * 60, "y" * 60], "c": {}}}, "t" * 200, [1, {"a": None}]])
def test_json_over_several_lines_is_still_that_json(value: object) -> None:
    text = written(value, room=40)
    assert json.loads(text) == value
