"""What no linter checks about the source: sizes, names and habits that CONTRIBUTING.md rules out."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 350
PACKAGES = ("tenant_api", "idp_providers", "db_provisioners")
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
MAY_READ_THE_ENVIRONMENT = "tenant_api/cli/"
# Split, so that this file does not name what it forbids.
BANNED_STATEMENT = re.compile("REASSIGN" + r"\s+OWNED", re.IGNORECASE)
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root)" + "/")
TEXTS = ("*.py", "*.sql", "*.sh", "*.ps1", "*.toml", "*.yaml", "*.yml", "Makefile", ".ci/*")


def names(*patterns: str) -> list[str]:
    """Files of the repository, those that are not yet committed included."""
    command = ["git", "ls-files", "-co", "--exclude-standard", *patterns]
    listed = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


def product() -> list[str]:
    return names(*(f"{package}/*.py" for package in PACKAGES))


def text(name: str) -> str:
    return (ROOT / name).read_text()


def test_files_are_short() -> None:
    python = [name for name in names("*.py") if not name.startswith("tests/")]
    long = {name: lines for name in python if (lines := len(text(name).splitlines())) > MOST_LINES}
    assert long == {}


def test_no_file_is_named_after_nothing() -> None:
    named = [name for name in names("*.py") if EMPTY_NAMES & {Path(name).stem, *Path(name).parent.parts}]
    assert named == []


def test_annotations_are_read_at_run_time() -> None:
    postponed = [
        name for name in product() if re.search(r"^from __future__ import .*annotations", text(name), re.MULTILINE)
    ]
    assert postponed == []


def test_migrations_are_no_package() -> None:
    assert names("alembic/__init__.py", "alembic/versions/__init__.py") == []


def test_only_the_command_line_hands_over_the_environment() -> None:
    readers = [name for name in product() if re.search(r"\bos\.(environ|getenv)\b", code(name))]
    assert [name for name in readers if not name.startswith(MAY_READ_THE_ENVIRONMENT)] == []


def code(name: str) -> str:
    """The source without comments and docstrings."""
    tree = ast.parse(text(name))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0] = ast.Pass()
    return ast.unparse(tree)


def test_no_statement_gives_away_all_that_a_role_owns() -> None:
    assert [name for name in names(*TEXTS) if BANNED_STATEMENT.search(text(name))] == []


@pytest.mark.parametrize("pattern", TEXTS)
def test_sources_name_no_place_of_one_machine(pattern: str) -> None:
    assert [name for name in names(pattern) if MACHINE_PATHS.search(text(name))] == []


def test_every_package_says_what_it_is() -> None:
    silent = [
        name for name in product() if name.endswith("/__init__.py") and not ast.get_docstring(ast.parse(text(name)))
    ]
    assert silent == []


def test_commits_happen_at_the_edge_only() -> None:
    committing = [name for name in product() if re.search(r"\.commit\(\)", code(name))]
    assert committing == ["tenant_api/api_clients/issuing_outside.py"]  # the exception of ADR 17
