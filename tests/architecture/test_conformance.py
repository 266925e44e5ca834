"""What docs/conformance.md says about the contract is true: operations exist, tests exist, messages are asserted."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import pytest

from tenant_api.app import whole_document
from tenant_api.kernel.errors import TenantApiError
from tenant_api.web import rules
from tenant_api.web.problems import PHRASES, URN

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "conformance.md"
OPERATIONS = 71
DEFECTS = [f"B{number}" for number in range(1, 27)]
"""All of the contract (section 8.2)."""
NODE = re.compile(r"(tests/[\w/]+\.py)((?:::\w+)+)(?:\[[^\]`]*\])?")
QUOTED = re.compile(r"`([^`]+)`")
PLACEHOLDER = re.compile(r"…|\{\w*\}")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PHRASE_ALONE = "about:blank"
NO_TYPE = "\u2013"
TYPES = {
    "bad-request",
    "bad-request:data",
    "bad-request:parameter",
    "security:authentication",
    "security:authorization",
    "not-found",
    "method-not-allowed",
    "conflict",
    "conflict:dependent-item-exists",
    "conflict:unresolved-reference",
    "conflict:non-unique-identity",
    "unsupported-media-type",
    "internal-server-error",
    "bad-gateway",
    PHRASE_ALONE,
}
"""All types of the contract (section 1.4)."""
OWN = {"cli", "credentials", "identity", "managed_data_stores", "oauth2", "operations", "tenants"}
"""What is not of the contract, or mostly not: tenants can do more here."""


class Row(NamedTuple):
    """A row of a table, by its cells, and the heading above."""

    heading: str
    cells: tuple[str, ...]

    @property
    def nodes(self) -> list[tuple[str, str]]:
        """Files and tests of the last cell."""
        return [(file, names.removeprefix("::")) for file, names in NODE.findall(self.cells[-1])]


def tables(first: str) -> Iterator[Row]:
    """The rows of all tables whose first column has this name."""
    heading, inside = "", False
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]) if line.startswith("|") else ()
        if not cells:
            inside = False
        elif cells[0].lower() == first:
            inside = True
        elif inside and not set(line) <= set("|-: "):
            yield Row(heading, cells)


def operation_rows() -> list[Row]:
    return list(tables("method"))


def message_rows() -> list[Row]:
    return list(tables("status"))


def defect_rows() -> list[Row]:
    return list(tables("defect"))


def plain(cell: str) -> str:
    return cell.strip("`")


def with_places(path: str) -> str:
    """A path whose parameters have no names: the contract's differ from ours."""
    return re.sub(r"\{\w+\}", "{}", path)


@cache
def served() -> frozenset[tuple[str, str]]:
    """Every operation of a service that offers all it can, as its OpenAPI document lists them."""
    paths = whole_document()["paths"]
    return frozenset((method.upper(), with_places(path)) for path, methods in paths.items() for method in methods)


@cache
def names_in(file: str) -> frozenset[str]:
    """Names of a file's tests; those of a class after its name as well."""
    found = set()
    for node in ast.parse((ROOT / file).read_text()).body:
        if isinstance(node, FUNCTIONS) and node.name.startswith("test_"):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{method.name}" for method in node.body if isinstance(method, FUNCTIONS)}
    return frozenset(found)


def literal(node: ast.AST) -> str:
    """What a literal says, `…` for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@cache
def definitions_in(file: str) -> dict[str, ast.AST]:
    """What a file's top level gives a name to: constants, functions, and methods after the name of their class."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse((ROOT / file).read_text()).body:
        if isinstance(node, ast.Assign):
            found |= {name.id: node.value for target in node.targets for name in named_in(target)}
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            found |= {name.id: node.value for name in named_in(node.target)}
        elif isinstance(node, FUNCTIONS):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{method.name}": method for method in node.body if isinstance(method, FUNCTIONS)}
    return found


def named_in(node: ast.AST) -> Iterator[ast.Name]:
    """The names in a piece of source."""
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))


@cache
def texts_of(file: str, name: str) -> str:
    """All that the literals of a test say, and those of the constants and functions of its file that it uses.

    Literals that are split over lines are joined. Other tests of the file say nothing about this one.
    """
    defined = definitions_in(file)
    used, waiting = {name}, [name]
    while waiting:
        further = {inner.id for inner in named_in(defined[waiting.pop()])} & defined.keys() - used
        used |= further
        waiting += further
    return "\n".join(filter(None, (literal(node) for each in used for node in ast.walk(defined[each]))))


def pieces_of(text: str) -> list[str]:
    """The words of a message between its placeholders."""
    return [piece for piece in PLACEHOLDER.split(text) if piece.strip(" .'\"")]


def kinds(base: type[object]) -> set[str]:
    """The names of a class and all below it."""
    return {base.__name__, *(name for kind in base.__subclasses__() for name in kinds(kind))}


def sentences(source: ast.AST) -> Iterator[str]:
    """What a module says in refusals and rules that it makes, in literals or in constants of its own."""
    constants = {
        target.id: node.value
        for node in ast.walk(source)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    filled = {id(part) for node in ast.walk(source) if isinstance(node, ast.JoinedStr) for part in node.values}
    speaking = kinds(TenantApiError) | {rule.__name__ for rule in vars(rules).values() if isinstance(rule, type)}
    for call in [node for node in ast.walk(source) if isinstance(node, ast.Call)]:
        made = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "of" else call.func
        if isinstance(made, ast.Name) and made.id in speaking:
            given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg != "headers")]
            for part in [inner for argument in given for inner in ast.walk(argument) if id(inner) not in filled]:
                yield literal(constants.get(part.id, part) if isinstance(part, ast.Name) else part)


def errors(base: type[TenantApiError] = TenantApiError) -> dict[str, int]:
    """Every code of a refusal, with its status."""
    found = {base.code: base.status}
    for kind in base.__subclasses__():
        found |= errors(kind)
    return found


def test_every_operation_of_the_contract_is_listed_once() -> None:
    listed = [(plain(row.cells[0]), plain(row.cells[1]).lower()) for row in operation_rows()]
    assert len(listed) == OPERATIONS
    assert sorted({operation for operation in listed if listed.count(operation) > 1}) == []


@pytest.mark.parametrize("row", operation_rows(), ids=lambda row: f"{plain(row.cells[0])} {plain(row.cells[1])}")
def test_a_listed_operation_is_served_and_pinned(row: Row) -> None:
    assert (plain(row.cells[0]), with_places(plain(row.cells[1]))) in served()
    assert row.nodes
    for file, name in row.nodes:
        assert name in names_in(file)


def test_every_message_has_a_row_of_four_cells() -> None:
    assert message_rows()
    assert [row for row in message_rows() if len(row.cells) != 4 or not row.nodes] == []


@pytest.mark.parametrize("row", message_rows(), ids=lambda row: f"{row.heading.split(' ')[0]} {row.cells[2]}")
def test_a_listed_message_is_asserted_by_its_tests(row: Row) -> None:
    for file, name in row.nodes:
        assert name in names_in(file)
    said = "\n".join(texts_of(file, name) for file, name in row.nodes)
    assert [piece for text in QUOTED.findall(row.cells[2]) for piece in pieces_of(text) if piece not in said] == []


@pytest.mark.parametrize("row", message_rows(), ids=lambda row: f"{row.heading.split(' ')[0]} {row.cells[2]}")
def test_a_listed_type_has_its_status(row: Row) -> None:
    status, code = int(plain(row.cells[0])), plain(row.cells[1]).removeprefix(URN)
    if code == PHRASE_ALONE:
        assert plain(row.cells[2]) == (PHRASES.get(status) or HTTPStatus(status).phrase)
    elif code != NO_TYPE:
        assert errors()[code] == status


def test_every_type_of_the_contract_is_listed() -> None:
    assert TYPES - {plain(row.cells[1]).removeprefix(URN) for row in message_rows()} == set()


def test_every_sentence_of_a_refusal_is_listed() -> None:
    listed = "\n".join(row.cells[2] for row in message_rows())
    missing = {}
    for file in sorted((ROOT / "tenant_api").rglob("*.py")):
        if file.relative_to(ROOT / "tenant_api").parts[0] in OWN:
            continue
        said = {text for text in sentences(ast.parse(file.read_text())) if " " in text}
        if unlisted := sorted(text for text in said if any(piece not in listed for piece in pieces_of(text))):
            missing[str(file.relative_to(ROOT))] = unlisted
    assert missing == {}


def test_every_known_defect_is_listed_once_and_in_order() -> None:
    assert [row.cells[0] for row in defect_rows()] == DEFECTS


@pytest.mark.parametrize("row", defect_rows(), ids=lambda row: row.cells[0])
def test_a_known_defect_says_what_becomes_of_it_and_is_pinned(row: Row) -> None:
    assert len(row.cells) == 4
    assert all(row.cells)
    assert row.nodes
    for file, name in row.nodes:
        assert name in names_in(file)
