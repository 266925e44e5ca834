"""Paths in any case and with a trailing slash (contract section 1.2), mapped to the one that is routed.

Literal segments match in any case; parameters stay as they were sent. Segments are told apart before they are
decoded, so that an encoded slash separates nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass(frozen=True)
class Match:
    """The routed path and its template, which names the route in metrics."""

    path: str
    template: str


@dataclass
class _Node:
    literal: str = ""
    template: str | None = None
    below: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    rest: str | None = None


class PathTable:
    """All routed paths, as a tree of segments."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._root = _Node()
        for template in templates:
            self._add(template)

    def match(self, path: str) -> Match | None:
        """The routed, decoded spelling of a percent-encoded path, or None if nothing is routed there."""
        before, *segments = path.removesuffix("/").split("/")
        found = None if before else self._find(self._root, [unquote(segment) for segment in segments], [])
        if found is None:
            return None
        taken, template = found
        return Match(path="/" + "/".join(taken), template=template)

    def _add(self, template: str) -> None:
        node = self._root
        for segment in [segment for segment in template.split("/") if segment]:
            if segment.startswith("{") and segment.endswith(":path}"):
                node.rest = template
                return
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.below.setdefault(segment.lower(), _Node(literal=segment))
        node.template = template

    def _find(self, node: _Node, segments: list[str], taken: list[str]) -> tuple[list[str], str] | None:
        if not segments:
            return (taken, node.template) if node.template is not None else None
        head, *tail = segments
        if (literal := node.below.get(head.lower())) and (
            found := self._find(literal, tail, [*taken, literal.literal])
        ):
            return found
        if node.parameter and _is_value(head) and (found := self._find(node.parameter, tail, [*taken, head])):
            return found
        return ([*taken, *segments], node.rest) if node.rest is not None else None


def _is_value(segment: str) -> bool:
    """Whether a segment can be a parameter: the framework would split one that holds a slash."""
    return bool(segment) and "/" not in segment
