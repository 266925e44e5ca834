"""The kit catches bugs: each of those in seeded_bugs.py fails at least one of its checks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ACME = ROOT / "examples" / "plugins" / "acme" / "tests"

PLUGINS = ["-p", "anyio", "-p", "timeout", "-p", "seeded_reporter"]  # others take seconds to load
OPTIONS = [*PLUGINS, "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--noconftest"]
REPORTER = """
import json, os

outcomes = {}

def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if item.name == item.cls.caught_by]
    outcomes.update({item.cls.__name__: "passed" for item in items})

def pytest_runtest_logreport(report):
    name = report.nodeid.partition("::")[2].partition("::")[0]
    failed = outcomes[name].startswith("failed")
    if not failed and (report.when == "call" or report.outcome != "passed"):
        outcomes[name] = f"{report.outcome} in {report.when}"

def pytest_sessionfinish(session):
    with open(os.environ["SEEDED_REPORT"], "w") as file:
        json.dump(outcomes, file)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What became of the check that should catch it, by bug."""
    folder = tmp_path_factory.mktemp("seeded")
    (folder / "seeded_reporter.py").write_text(REPORTER)
    report = folder / "report.json"
    paths = os.pathsep.join(map(str, (folder, ACME, HERE, ROOT)))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *OPTIONS, str(HERE / "seeded_bugs.py")],
        env={**os.environ, "PYTHONPATH": paths, "SEEDED_REPORT": str(report), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert report.exists(), run.stdout + run.stderr
    found: dict[str, str] = json.loads(report.read_text())
    return found


def test_every_bug_is_caught_by_its_check(outcomes: dict[str, str]) -> None:
    assert {bug: outcome for bug, outcome in outcomes.items() if outcome != "failed in call"} == {}
    assert len(outcomes) >= 50
