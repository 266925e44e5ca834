"""Data stores with their contexts and derivatives, as one query reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlmodel import col, func, literal, select
from sqlmodel.sql.expression import Select

from tenant_api.db.tables import DataStore, DataStoreContext, DataStoreDerivative

Columns = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class DataStoreOverview:
    """A data store, its contexts by key and its derivatives by id."""

    row: DataStore
    contexts: Sequence[DataStoreContext]
    derivatives: Sequence[DataStoreDerivative]

    @classmethod
    def of(cls, row: DataStore, contexts: Columns, derivatives: Columns) -> "DataStoreOverview":
        """A row of `select_overviews`."""
        return cls(
            row=row,
            contexts=[DataStoreContext(**columns) for columns in contexts],
            derivatives=[DataStoreDerivative(**columns) for columns in derivatives],
        )


def select_overviews() -> Select[DataStore, Columns, Columns]:
    """Rows of `DataStoreOverview`."""
    contexts = _below(
        DataStoreContext,
        [
            DataStoreContext.id,
            DataStoreContext.data_store_id,
            DataStoreContext.context_key,
            DataStoreContext.context_value,
        ],
        order=DataStoreContext.context_key,
    )
    derivatives = _below(
        DataStoreDerivative,
        [
            DataStoreDerivative.id,
            DataStoreDerivative.data_store_id,
            DataStoreDerivative.derivative_type,
            DataStoreDerivative.connection_string_sealed,
        ],
        order=DataStoreDerivative.id,
    )
    return select(DataStore, contexts, derivatives)


def _below(
    table: type[DataStoreContext | DataStoreDerivative], columns: Sequence[Any], *, order: Any
) -> ColumnElement[Columns]:
    """What belongs to each data store, as one JSON array of objects."""
    members = [part for column in columns for part in (literal(column.key), column)]
    objects = func.jsonb_agg(aggregate_order_by(func.jsonb_build_object(*members), col(order)))
    belonging = select(func.coalesce(objects, literal([], JSONB))).where(col(table.data_store_id) == col(DataStore.id))
    return belonging.correlate(DataStore).scalar_subquery()
