"""API clients on the wire."""

from typing import Annotated, Self
from uuid import UUID

from tenant_api.api_clients.reach import ReachingClient
from tenant_api.db.tables import ApiClient
from tenant_api.web.rules import MaxLength, NotEmpty, Positive
from tenant_api.web.wire import Flag, Int32, ReadModel, Text, WriteModel

LONGEST_NAME = 50


class ApiClientCreate(WriteModel):
    """Body of POST."""

    application_id: Annotated[Int32, NotEmpty(), Positive()]
    name: Annotated[Text | None, NotEmpty(), MaxLength(LONGEST_NAME)]
    is_approved: Flag
    data_store_ids: Annotated[
        list[Int32] | None, NotEmpty("DataStoreIds cannot be empty. At least one Data Store is required.")
    ] = None

    def distinct_data_store_ids(self) -> list[int]:
        """In the order given."""
        return list(dict.fromkeys(self.data_store_ids or ()))


class ApiClientReplace(ApiClientCreate):
    """Body of PUT."""

    id: Int32 = 0


class ApiClientCredentialRead(ReadModel):
    """A credential: the only body that ever holds its secret."""

    id: int
    application_id: int
    name: str
    key: str
    secret: str

    @classmethod
    def of(cls, row: ApiClient, secret: str) -> Self:
        assert row.id is not None
        return cls(id=row.id, application_id=row.application_id, name=row.name, key=row.client_id, secret=secret)


class ApiClientRead(ReadModel):
    """An API client as it is shown."""

    id: int
    application_id: int
    client_id: str
    client_uuid: UUID
    name: str
    is_approved: bool
    data_store_ids: list[int]

    @classmethod
    def of(cls, client: ReachingClient) -> Self:
        row = client.row
        assert row.id is not None
        return cls(
            id=row.id,
            application_id=row.application_id,
            client_id=row.client_id,
            client_uuid=row.client_uuid,
            name=row.name,
            is_approved=row.is_approved,
            data_store_ids=list(client.data_store_ids),
        )
