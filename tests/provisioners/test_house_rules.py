"""Rules of this package that a reader of one file could break without noticing."""

import ast
import re
from pathlib import Path

import pytest

import db_provisioners

SOURCES = sorted(Path(str(db_provisioners.__file__)).parent.rglob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_reassign_owned_is_never_used(source: Path) -> None:
    """Run inside one clone it re-owned the template and a sibling."""
    assert not re.search(r"reassign\s+owned", source.read_text(), re.IGNORECASE)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_administrator_never_takes_a_tenants_role(source: Path) -> None:
    """RESET ROLE escapes. The one SET ROLE makes extensions in a database that is still empty."""
    assert source.name == "extensions.py" or not re.search(r"SET (LOCAL |SESSION )?ROLE", source.read_text())


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_plugins_import_nothing_of_the_service(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any(name.split(".")[0] in {"tenant_api", "litestar", "sqlmodel", "sqlalchemy"} for name in names)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_files_stay_readable(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= 350
