"""API clients on the wire."""

from typing import Annotated, Self
from uuid import UUID

from tenant_api.api_clients.reach import ReachingClient
from tenant_api.db.tables import ApiClient
from tenant_api.web.rules import MaxLength, NotEmpty, Positive
from tenant_api.web.wire import Flag, Int32, ReadModel, Text, WriteModel, like

LONGEST_NAME = 50

API_CLIENT = {"applicationId": 1, "name": "Grand Bend SIS nightly", "isApproved": True, "dataStoreIds": [1]}
KEY = "0b0ac1a2-5b0e-4d5f-9f4f-2f5a1c1f7a11"


class ApiClientCreate(WriteModel):
    """Body of POST."""

    model_config = like(API_CLIENT)

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

    model_config = like({"id": 1, **API_CLIENT})

    id: Int32 = 0


class ApiClientCredentialRead(ReadModel):
    """A credential: the only body that ever holds its secret."""

    model_config = like(
        {
            "id": 1,
            "applicationId": 1,
            "name": "Grand Bend SIS nightly",
            "key": KEY,
            "secret": "aB3dE5gH7jK9mN2pQ4rS6tV8wX1yZ0cF",
        }
    )

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

    model_config = like({"id": 1, "clientId": KEY, "clientUuid": "5f0f2a53-1d3c-4f43-9a3c-0d0c2f2d7c55", **API_CLIENT})

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
