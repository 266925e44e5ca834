"""A claim set as its readers see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenant_api.db.tables import ClaimSet


@dataclass(frozen=True)
class ClaimSetOverview:
    """A claim set with the tenant's applications that name it."""

    row: ClaimSet
    application_names: Sequence[str]
