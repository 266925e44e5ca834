"""Which OAuth clients a change reaches: selections, not yet read, of a client's id and its tenant's."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, String
from sqlmodel import col, exists, func, literal, not_, select
from sqlmodel.sql.expression import Select

from tenant_api.db.tables import ApiClient, ApiClientDataStore, Application, IdentityDrift, IdentityIntent, Vendor
from tenant_api.identity.agreement import Drift

Clients = Select[str, int]


def client_of(api_client_id: int) -> Clients:
    """That of one API client."""
    return _clients().where(col(ApiClient.id) == api_client_id)


def client_at_rest(client_id: str) -> Clients:
    """That of this id, unless an open intent is about it. None for the service's own clients."""
    open_intent = exists().where(col(IdentityIntent.client_id) == col(ApiClient.client_id))
    return _clients().where(col(ApiClient.client_id) == client_id.lower(), not_(open_intent))


def clients_of_application(application_id: int) -> Clients:
    """Those of an application."""
    return _clients().where(col(ApiClient.application_id) == application_id)


def clients_of_vendor(vendor_id: int) -> Clients:
    """Those of all applications of a vendor."""
    return _clients().where(col(Application.vendor_id) == vendor_id)


def clients_of_tenant(tenant_id: int) -> Clients:
    """All of a tenant."""
    return _clients().where(col(Vendor.tenant_id) == tenant_id)


def clients_with_claim_set(tenant_id: int, name: str) -> Clients:
    """Those of a tenant's applications that name a claim set."""
    return _clients().where(col(Vendor.tenant_id) == tenant_id, col(Application.claim_set_name) == name)


def clients_reaching(data_store_id: int) -> Clients:
    """Those that may reach a data store. Their links are locked, before anything is written about them."""
    linked = _clients().join(ApiClientDataStore, col(ApiClientDataStore.api_client_id) == col(ApiClient.id))
    return linked.where(col(ApiClientDataStore.data_store_id) == data_store_id).with_for_update(of=ApiClientDataStore)


def drifted_clients(operation_id: UUID) -> Clients:
    """Those that a comparison found to differ, as far as we made them and rows of theirs are left."""
    found = select(IdentityDrift.client_id).where(
        col(IdentityDrift.operation_id) == operation_id, col(IdentityDrift.kind) != Drift.FOREIGN
    )
    return _clients().where(col(ApiClient.client_id).in_(found))


def these_clients(client_ids: Collection[str], tenant_id: int) -> Clients:
    """Those ids, whether or not rows of theirs are left."""
    ids = func.unnest(literal(list(client_ids), ARRAY(String))).label("client_id")
    return select(ids, literal(tenant_id).label("tenant_id"))


def _clients() -> Clients:
    joined = select(ApiClient.client_id, Vendor.tenant_id).join(
        Application, col(Application.id) == col(ApiClient.application_id)
    )
    return joined.join(Vendor, col(Vendor.id) == col(Application.vendor_id))
