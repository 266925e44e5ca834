"""Data stores on the wire."""

from typing import Annotated

from tenant_api.kernel import lengths
from tenant_api.web.rules import MaxLength, NotEmpty
from tenant_api.web.wire import Int32, ReadModel, Text, WriteModel


class DataStoreCreate(WriteModel):
    """Body of POST."""

    data_store_type: Annotated[Text | None, NotEmpty(), MaxLength(lengths.DATA_STORE_TYPE)] = ""
    name: Annotated[Text | None, NotEmpty(), MaxLength(lengths.DATA_STORE_NAME)] = ""
    connection_string: Annotated[Text | None, MaxLength(lengths.CONNECTION_STRING)] = None


class DataStoreReplace(DataStoreCreate):
    """Body of PUT. Without a connection string it wipes the one that was there."""

    id: Int32 = 0


class DataStoreCreated(ReadModel):
    """Answer to POST."""

    id: int
    status: int
    title: str


class DataStoreContextRead(ReadModel):
    """How a data plane's route leads to a data store."""

    id: int
    data_store_id: int
    context_key: str
    context_value: str


class DataStoreDerivativeRead(ReadModel):
    """A replica or snapshot of a data store."""

    id: int
    data_store_id: int
    derivative_type: str
    connection_string: str | None


class DataStoreRead(ReadModel):
    """A data store as it is shown; `connection_string` is encrypted for data planes."""

    id: int
    data_store_type: str | None
    name: str
    connection_string: str | None
    data_store_contexts: list[DataStoreContextRead]
    data_store_derivatives: list[DataStoreDerivativeRead]
    tenant_id: int | None
