"""Applications on the wire."""

from typing import Annotated, Self

from tenant_api.applications.overview import ApplicationOverview
from tenant_api.kernel import lengths
from tenant_api.web.rules import Each, Matches, MaxLength, NotEmpty, Positive
from tenant_api.web.wire import Int32, Int64, ReadModel, Text, WriteModel, like

ApplicationName = Annotated[Text | None, NotEmpty(), MaxLength(lengths.APPLICATION_NAME)]
ClaimSetName = Annotated[
    Text | None,
    NotEmpty(),
    MaxLength(lengths.CLAIM_SET_NAME),
    Matches(r"\S*", "Claim set name must not contain white spaces."),
]
Ids = Annotated[list[Int32] | None, Each(Positive())]

APPLICATION = {
    "applicationName": "Grand Bend SIS",
    "vendorId": 1,
    "claimSetName": "SISVendor",
    "educationOrganizationIds": [255901],
    "dataStoreIds": [1],
    "profileIds": [],
}


class ApplicationCreate(WriteModel):
    """Body of POST."""

    model_config = like(APPLICATION)

    application_name: ApplicationName = ""
    vendor_id: Int32 = 0
    claim_set_name: ClaimSetName = ""
    education_organization_ids: Annotated[list[Int64] | None, Each(Positive())] = None
    data_store_ids: Ids = None
    profile_ids: Ids = None


class ApplicationReplace(ApplicationCreate):
    """Body of PUT."""

    model_config = like({"id": 1, **APPLICATION})

    application_name: ApplicationName
    claim_set_name: ClaimSetName
    id: Int32 = 0


class ApplicationCredentialRead(ReadModel):
    """An application's first credential: the only body that ever holds its secret."""

    model_config = like(
        {"id": 1, "key": "0b0ac1a2-5b0e-4d5f-9f4f-2f5a1c1f7a11", "secret": "aB3dE5gH7jK9mN2pQ4rS6tV8wX1yZ0cF"}
    )

    id: int
    key: str
    secret: str


class ApplicationRead(ReadModel):
    """An application as it is shown."""

    model_config = like({"id": 1, **APPLICATION, "enabled": True})

    id: int
    application_name: str
    vendor_id: int
    claim_set_name: str
    education_organization_ids: list[int]
    data_store_ids: list[int]
    profile_ids: list[int]
    enabled: bool

    @classmethod
    def of(cls, application: ApplicationOverview) -> Self:
        row = application.row
        assert row.id is not None
        return cls(
            id=row.id,
            application_name=row.application_name,
            vendor_id=row.vendor_id,
            claim_set_name=row.claim_set_name,
            education_organization_ids=sorted(row.education_organization_ids),
            data_store_ids=list(application.data_store_ids),
            profile_ids=list(application.profile_ids),
            enabled=application.enabled,
        )
