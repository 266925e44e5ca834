"""The removal of a tenant on the wire."""

from typing import Annotated, Self
from uuid import UUID

from tenant_api.tenants.inventory import Inventory
from tenant_api.tenants.schemas import TenantStatusRead
from tenant_api.web.rules import NotEmpty
from tenant_api.web.wire import ReadModel, Text, WriteModel, like

CONFIRMATION = "48acad5395b045774867c1ecd85bf34fabe4f36a1b99bd5514f0076528124fd5"
JOB_ID = "6fc2ba53-6326-47a6-99c1-ac58743bab8c"
NOTHING = {"count": 0, "names": []}


class TenantRemovalConfirm(WriteModel):
    """Body of POST: the confirmation that GET showed."""

    model_config = like({"confirmation": CONFIRMATION})

    confirmation: Annotated[Text | None, NotEmpty()] = ""


class TenantRemovalAccepted(ReadModel):
    """Answer to POST."""

    model_config = like({"jobId": JOB_ID})

    job_id: UUID


class BelongingsRead(ReadModel):
    """How many there are of one kind, and the names of the first hundred."""

    count: int
    names: list[str]


class TenantContentsRead(ReadModel):
    """All that belongs to a tenant. `clients` are those of the service that act for this tenant alone."""

    managed_data_stores: BelongingsRead
    data_stores: BelongingsRead
    data_store_contexts: BelongingsRead
    data_store_derivatives: BelongingsRead
    vendors: BelongingsRead
    applications: BelongingsRead
    api_clients: BelongingsRead
    claim_sets: BelongingsRead
    profiles: BelongingsRead
    clients: BelongingsRead

    @classmethod
    def of(cls, inventory: Inventory) -> Self:
        """The only projection from inventory to wire."""
        return cls.model_validate(
            {kind: {"count": found.count, "names": found.names} for kind, found in inventory.contents.items()}
        )


class TenantRemovalRead(TenantStatusRead):
    """What the removal of a tenant would remove. `jobId` names the job that is at it, null before and afterwards."""

    model_config = like(
        {
            "id": 2,
            "name": "Grand_Bend_ISD",
            "suspended": True,
            "contents": {
                "managedDataStores": {"count": 1, "names": ["Grand Bend 2027"]},
                "dataStores": {"count": 1, "names": ["Grand Bend 2026"]},
                "dataStoreContexts": NOTHING,
                "dataStoreDerivatives": NOTHING,
                "vendors": {"count": 1, "names": ["Edwin SIS"]},
                "applications": {"count": 1, "names": ["Grand Bend SIS"]},
                "apiClients": {"count": 1, "names": ["Grand Bend SIS"]},
                "claimSets": NOTHING,
                "profiles": NOTHING,
                "clients": NOTHING,
            },
            "confirmation": CONFIRMATION,
            "jobId": None,
        }
    )

    contents: TenantContentsRead
    confirmation: str
    job_id: UUID | None
