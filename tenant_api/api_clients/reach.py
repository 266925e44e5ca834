"""API clients with the data stores that they may reach, as one query reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Integer
from sqlmodel import col, func, select
from sqlmodel.sql.expression import Select

from tenant_api.db.tables import ApiClient, ApiClientDataStore


@dataclass(frozen=True)
class ReachingClient:
    """An API client and the ascending ids of its data stores."""

    row: ApiClient
    data_store_ids: Sequence[int]


def select_reaching_clients() -> Select[ApiClient, Sequence[int]]:
    """Rows of `ReachingClient`."""
    data_store_ids = (
        select(ApiClientDataStore.data_store_id)
        .where(col(ApiClientDataStore.api_client_id) == col(ApiClient.id))
        .order_by(col(ApiClientDataStore.data_store_id))
        .correlate(ApiClient)
        .scalar_subquery()
    )
    return select(ApiClient, func.array(data_store_ids, type_=ARRAY(Integer)))
