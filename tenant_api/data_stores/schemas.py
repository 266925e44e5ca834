"""Data stores on the wire."""

from typing import Annotated, Self

from pydantic import Field

from tenant_api.data_store_contexts.schemas import CONTEXT, DataStoreContextRead
from tenant_api.data_store_derivatives import schemas as derivatives
from tenant_api.data_store_derivatives.schemas import DataStoreDerivativeRead
from tenant_api.data_stores.connection_strings import ConnectionStrings
from tenant_api.data_stores.overview import DataStoreOverview
from tenant_api.kernel import lengths
from tenant_api.settings.tree import Settings
from tenant_api.web.rules import MaxLength, NotEmpty, Opaque
from tenant_api.web.wire import Int32, ReadModel, Text, WriteModel, like

DATA_STORE = {
    "dataStoreType": "Production",
    "name": "Grand Bend 2026",
    "connectionString": "host=db.gbisd.example;port=5432;username=edfi;password=change-me;database=EdFi_Ods_2026;",
}


class DataStoreCreate(WriteModel):
    """Body of POST."""

    model_config = like(DATA_STORE)

    data_store_type: Annotated[Text | None, NotEmpty(), MaxLength(lengths.DATA_STORE_TYPE)] = ""
    name: Annotated[Text | None, NotEmpty(), MaxLength(lengths.DATA_STORE_NAME)] = ""
    connection_string: Annotated[Text | None, Opaque(), MaxLength(lengths.CONNECTION_STRING)] = None


class DataStoreReplace(DataStoreCreate):
    """Body of PUT. Without a connection string it wipes the one that was there."""

    model_config = like({"id": 1, **DATA_STORE})

    id: Int32 = 0


class DataStoreCreated(ReadModel):
    """Answer to POST."""

    model_config = like(
        {"id": 1, "status": 201, "title": "New DataStore Grand Bend 2026 has been created successfully."}
    )

    id: int
    status: int
    title: str


class DataStoreRead(ReadModel):
    """A data store as it is shown; `connection_string` is encrypted for data planes, `provider` there by a setting."""

    model_config = like(
        {
            **DATA_STORE,
            "id": 1,
            "connectionString": derivatives.SHOWN["connectionString"],
            "dataStoreContexts": [{"id": 1, **CONTEXT}],
            "dataStoreDerivatives": [derivatives.SHOWN],
            "tenantId": 2,
        }
    )

    id: int
    data_store_type: str | None
    name: str
    connection_string: str | None
    data_store_contexts: list[DataStoreContextRead]
    data_store_derivatives: list[DataStoreDerivativeRead]
    tenant_id: int | None
    provider: Annotated[str | None, Field(exclude_if=lambda provider: provider is None)] = None

    @classmethod
    def of(cls, store: DataStoreOverview, connection_strings: ConnectionStrings, *, settings: Settings) -> Self:
        row = store.row
        assert row.id is not None
        return cls(
            id=row.id,
            data_store_type=row.data_store_type,
            name=row.name,
            connection_string=connection_strings.for_data_planes(row),
            data_store_contexts=[DataStoreContextRead.of(context) for context in store.contexts],
            data_store_derivatives=[
                DataStoreDerivativeRead.of(derivative, connection_strings) for derivative in store.derivatives
            ],
            tenant_id=row.tenant_id if settings.multi_tenancy else None,
            provider=settings.api.data_store_provider,
        )
