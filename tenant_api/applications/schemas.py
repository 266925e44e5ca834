"""Applications on the wire."""

from typing import Annotated, Self

from tenant_api.applications.overview import ApplicationOverview
from tenant_api.kernel import lengths
from tenant_api.web.rules import Each, Matches, MaxLength, NotEmpty, Positive
from tenant_api.web.wire import Int32, Int64, ReadModel, Text, WriteModel

ApplicationName = Annotated[Text | None, NotEmpty(), MaxLength(lengths.APPLICATION_NAME)]
ClaimSetName = Annotated[
    Text | None,
    NotEmpty(),
    MaxLength(lengths.CLAIM_SET_NAME),
    Matches(r"\S*", "Claim set name must not contain white spaces."),
]
Ids = Annotated[list[Int32] | None, Each(Positive())]


class ApplicationCreate(WriteModel):
    """Body of POST."""

    application_name: ApplicationName = ""
    vendor_id: Int32 = 0
    claim_set_name: ClaimSetName = ""
    education_organization_ids: Annotated[list[Int64] | None, Each(Positive())] = None
    data_store_ids: Ids = None
    profile_ids: Ids = None


class ApplicationReplace(ApplicationCreate):
    """Body of PUT."""

    application_name: ApplicationName
    claim_set_name: ClaimSetName
    id: Int32 = 0


class ApplicationCredentialRead(ReadModel):
    """An application's first credential: the only body that ever holds its secret."""

    id: int
    key: str
    secret: str


class ApplicationRead(ReadModel):
    """An application as it is shown."""

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
