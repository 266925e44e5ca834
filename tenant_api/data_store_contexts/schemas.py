"""Contexts of data stores on the wire."""

from typing import Annotated, Self

from tenant_api.db.tables import DataStoreContext
from tenant_api.kernel import lengths
from tenant_api.web.rules import MaxLength, NotEmpty, Positive
from tenant_api.web.wire import Int32, ReadModel, Text, WriteModel, like

ContextText = Annotated[Text | None, NotEmpty(), MaxLength(lengths.CONTEXT)]

CONTEXT = {"dataStoreId": 1, "contextKey": "schoolYear", "contextValue": "2026"}


class DataStoreContextCreate(WriteModel):
    """Body of POST."""

    model_config = like(CONTEXT)

    data_store_id: Annotated[Int32, Positive()] = 0
    context_key: ContextText = ""
    context_value: ContextText = ""


class DataStoreContextReplace(DataStoreContextCreate):
    """Body of PUT. Another data store moves the context there."""

    model_config = like({"id": 1, **CONTEXT})

    id: Int32 = 0


class DataStoreContextCreated(ReadModel):
    """Answer to POST."""

    model_config = like({"id": 1})

    id: int


class DataStoreContextRead(ReadModel):
    """How a data plane's route leads to a data store."""

    model_config = like({"id": 1, **CONTEXT})

    id: int
    data_store_id: int
    context_key: str
    context_value: str

    @classmethod
    def of(cls, row: DataStoreContext) -> Self:
        assert row.id is not None
        return cls(
            id=row.id,
            data_store_id=row.data_store_id,
            context_key=row.context_key,
            context_value=row.context_value,
        )
