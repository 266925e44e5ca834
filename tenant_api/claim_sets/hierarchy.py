"""The tree of resource claims, as one immutable value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from tenant_api.claim_sets.actions import Action

TYPES = "http://ed-fi.org/identity/claims/domains/edFiTypes"

Strategies = Mapping[Action, tuple[str, ...]]


@dataclass(eq=False, kw_only=True)
class Node:
    """A resource claim in its place. `defaults` is None where the claim has no strategies of its own."""

    id: int
    claim_name: str
    parent: "Node | None"
    defaults: Strategies | None
    children: list["Node"] = field(default_factory=list)

    @property
    def last_segment(self) -> str:
        """The end of the claim's address."""
        return self.claim_name.rpartition("/")[2]

    @property
    def resource_name(self) -> str:
        """The name of the resource: the end of the address, with one exception of old."""
        return "types" if self.claim_name == TYPES else self.last_segment

    def lineage(self) -> Iterator["Node"]:
        """From here up to the root."""
        node: Node | None = self
        while node:
            yield node
            node = node.parent


class Hierarchy:
    """All claims of a tenant, depth first. `reload_id` names the load that it came from."""

    def __init__(self, reload_id: UUID, nodes: Iterable[tuple[int, str, int | None, Strategies | None]]) -> None:
        """Take id, claim name, parent's id and defaults of every claim; parents come before their children."""
        self.reload_id = reload_id
        self.by_id: dict[int, Node] = {}
        self.roots: list[Node] = []
        for id, claim_name, parent_id, defaults in nodes:
            parent = self.by_id[parent_id] if parent_id is not None else None
            node = Node(id=id, claim_name=claim_name, parent=parent, defaults=defaults)
            self.by_id[id] = node
            (parent.children if parent else self.roots).append(node)
        self.by_name = {node.claim_name.lower(): node for node in self.by_id.values()}
        self.with_defaults = [node for node in self.by_id.values() if node.defaults is not None]
        self.leaves = sorted(
            (node for node in self.by_id.values() if not node.children), key=lambda node: node.claim_name
        )

    def __iter__(self) -> Iterator[Node]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)


NOTHING = Hierarchy(UUID(int=0), [])
"""The hierarchy before anything was loaded."""
