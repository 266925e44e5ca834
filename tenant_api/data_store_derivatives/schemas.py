"""Derivatives of data stores on the wire."""

from typing import Annotated, Self

from tenant_api.data_stores.connection_strings import ConnectionStrings
from tenant_api.db.tables import DataStoreDerivative
from tenant_api.kernel import lengths
from tenant_api.web.rules import Matches, MaxLength, NotEmpty, Opaque, Positive
from tenant_api.web.wire import Int32, ReadModel, Text, WriteModel, like

DERIVATIVE = {
    "dataStoreId": 1,
    "derivativeType": "ReadReplica",
    "connectionString": "host=replica.gbisd.example;port=5432;username=edfi;password=change-me;database=EdFi_Ods_2026;",
}
SHOWN = {**DERIVATIVE, "id": 1, "connectionString": "R2l2ZW4gdG8gZGF0YSBwbGFuZXMgb25seQ=="}


class DataStoreDerivativeCreate(WriteModel):
    """Body of POST."""

    model_config = like(DERIVATIVE)

    data_store_id: Annotated[Int32, Positive("DataStoreId must be greater than 0.")] = 0
    derivative_type: Annotated[
        Text | None,
        NotEmpty("DerivativeType is required."),
        MaxLength(lengths.DERIVATIVE_TYPE, "DerivativeType must be 50 characters or fewer."),
        Matches("ReadReplica|Snapshot", "DerivativeType must be either 'ReadReplica' or 'Snapshot'."),
    ] = ""
    connection_string: Annotated[
        Text | None,
        Opaque(),
        MaxLength(lengths.CONNECTION_STRING, "ConnectionString must be 1000 characters or fewer."),
    ] = None


class DataStoreDerivativeReplace(DataStoreDerivativeCreate):
    """Body of PUT. Without a connection string it wipes the one that was there."""

    model_config = like({"id": 1, **DERIVATIVE})

    id: Annotated[Int32, Positive("Id must be greater than 0.")] = 0


class DataStoreDerivativeCreated(ReadModel):
    """Answer to POST."""

    model_config = like(
        {"id": 1, "status": 201, "title": "New DataStoreDerivative of type ReadReplica has been created successfully."}
    )

    id: int
    status: int
    title: str


class DataStoreDerivativeRead(ReadModel):
    """A replica or snapshot of a data store; `connection_string` is encrypted for data planes."""

    model_config = like(SHOWN)

    id: int
    data_store_id: int
    derivative_type: str
    connection_string: str | None

    @classmethod
    def of(cls, row: DataStoreDerivative, connection_strings: ConnectionStrings) -> Self:
        assert row.id is not None
        return cls(
            id=row.id,
            data_store_id=row.data_store_id,
            derivative_type=row.derivative_type,
            connection_string=connection_strings.for_data_planes(row),
        )
