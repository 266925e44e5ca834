"""An API client and its credential, in a service that a module's tests share."""

import pytest

from tests.api import bodies
from tests.api.credentials.world import Credential
from tests.api.service import Api


@pytest.fixture
async def credential(shared: Api) -> Credential:
    return await made(shared)


async def made(api: Api) -> Credential:
    """A new application's client."""
    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    application = (await api.post("/v3/applications", bodies.application(vendor_id))).json()
    found = (await api.get(f"/v3/apiClients/{application['key']}")).json()
    return Credential(id=found["id"], key=application["key"], secret=application["secret"])
