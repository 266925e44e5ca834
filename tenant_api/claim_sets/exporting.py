"""A claim set with all that it grants, in the order of the hierarchy."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenant_api.claim_sets.authorization_metadata import Grants
from tenant_api.claim_sets.hierarchy import Hierarchy, Node
from tenant_api.claim_sets.overview import ClaimSetOverview
from tenant_api.claim_sets.permissions import Granted


@dataclass(frozen=True)
class ClaimSetExport:
    """Claims of which the hierarchy knows nothing at present are left out."""

    claim_set: ClaimSetOverview
    claims: Sequence[tuple[Node, Granted]]


def exported(claim_set: ClaimSetOverview, grants: Grants, hierarchy: Hierarchy) -> ClaimSetExport:
    """The export of one claim set."""
    return ClaimSetExport(claim_set, [(node, grants[node.id]) for node in hierarchy if node.id in grants])
