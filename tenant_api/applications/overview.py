"""Applications with what their API clients add up to, as one query reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Integer, true
from sqlmodel import col, func, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from tenant_api.db.tables import ApiClient, ApiClientDataStore, Application, ApplicationProfile

Overviews = Select[Application, Sequence[int], Sequence[int], bool]


@dataclass(frozen=True)
class ApplicationOverview:
    """An application, what it reaches and uses (ids, ascending), and its approval.

    Its data stores are those that any of its clients may reach.
    """

    row: Application
    data_store_ids: Sequence[int]
    profile_ids: Sequence[int]
    enabled: bool


def select_overviews(*, linked_to: int | None = None) -> Overviews:
    """Rows of `ApplicationOverview`, enabled if all clients are approved.

    With `linked_to`, only applications with clients that may reach that data store; only those clients decide.
    """
    approved = select(func.coalesce(func.bool_and(col(ApiClient.is_approved)), true())).where(
        col(ApiClient.application_id) == col(Application.id)
    )
    if linked_to is not None:
        approved = approved.where(col(ApiClient.id).in_(_clients_of(linked_to)))
    data_store_ids = (
        select(ApiClientDataStore.data_store_id)
        .distinct()
        .join(ApiClient, col(ApiClient.id) == col(ApiClientDataStore.api_client_id))
        .where(col(ApiClient.application_id) == col(Application.id))
        .order_by(col(ApiClientDataStore.data_store_id))
        .correlate(Application)
        .scalar_subquery()
    )
    profile_ids = (
        select(ApplicationProfile.profile_id)
        .where(col(ApplicationProfile.application_id) == col(Application.id))
        .order_by(col(ApplicationProfile.profile_id))
        .correlate(Application)
        .scalar_subquery()
    )
    overviews = select(
        Application,
        func.array(data_store_ids, type_=ARRAY(Integer)),
        func.array(profile_ids, type_=ARRAY(Integer)),
        approved.correlate(Application).scalar_subquery(),
    )
    if linked_to is None:
        return overviews
    linked = select(ApiClient.application_id).where(col(ApiClient.id).in_(_clients_of(linked_to)))
    return overviews.where(col(Application.id).in_(linked))


def _clients_of(data_store_id: int) -> SelectOfScalar[int]:
    return select(ApiClientDataStore.api_client_id).where(col(ApiClientDataStore.data_store_id) == data_store_id)
