"""Whose claims they are: a tenant's own, or those that all tenants share.

A tenant without a layer of its own stands on the shared one and may add claim sets to it. Who has one sees nothing
of the shared one: neither its hierarchy nor its claim sets.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, exists

from tenant_api.db.tables import DEFAULT_TENANT_ID, ClaimsDocument


@dataclass(frozen=True)
class Layer:
    """A hierarchy with the claim sets that were loaded with it."""

    tenant_id: int
    shared: bool = False


SHARED = Layer(DEFAULT_TENANT_ID, shared=True)
"""Kept in rows of the default tenant, apart from that tenant's own."""


def documents_behind(tenant_id: int) -> ColumnElement[bool]:
    """The documents of a tenant's own layer and of the shared one; its own comes first when ordered by `shared`."""
    shared_or_own = or_(col(ClaimsDocument.shared), col(ClaimsDocument.tenant_id) == tenant_id)
    return and_(col(ClaimsDocument.tenant_id).in_({tenant_id, DEFAULT_TENANT_ID}), shared_or_own)


def has_own_layer(tenant_id: int) -> ColumnElement[bool]:
    """Whether a document was loaded for this tenant alone."""
    return exists().where(col(ClaimsDocument.tenant_id) == tenant_id, ~col(ClaimsDocument.shared))
