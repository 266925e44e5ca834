"""What this service is and where its description lies (contract section 1.8)."""

import re

from litestar import Controller, get

from tenant_api import __version__
from tenant_api.web.binding import ApiRequest
from tenant_api.web.location import base_url
from tenant_api.web.operation import PUBLIC, operation
from tenant_api.web.state import runtime_of
from tenant_api.web.wire import ReadModel, like

APPLICATION_NAME = "Ed-Fi API Configuration Service"


class Addresses(ReadModel):
    """Where to go from here."""

    open_api_metadata: str


class Information(ReadModel):
    """The document at the root. `build` has four numbers."""

    model_config = like(
        {
            "version": "0.1.0",
            "applicationName": APPLICATION_NAME,
            "informationalVersion": "0.1.0",
            "build": "0.1.0.0",
            "urls": {"openApiMetadata": "https://tenant-api.gbisd.example/metadata/specifications"},
            "specificationVersion": "v3",
        }
    )

    version: str
    application_name: str
    informational_version: str
    build: str
    urls: Addresses
    specification_version: str


class InformationController(Controller):
    """The root."""

    path = "/"
    tags = ["Information"]

    @get(opt=operation("getInformation", "Describe the service", PUBLIC, answers={200: Information}))
    async def information(self, request: ApiRequest) -> Information:
        return Information(
            version=__version__,
            application_name=APPLICATION_NAME,
            informational_version=__version__,
            build=build_number(__version__),
            urls=Addresses(open_api_metadata=f"{base_url(request)}/metadata/specifications"),
            specification_version=runtime_of(request).settings.api.specification_version.lower(),
        )


def build_number(version: str) -> str:
    """`1.2.3` as `1.2.3.0`; suffixes of the version do not count."""
    numbers = re.findall(r"\d+", re.split(r"[+a-z-]", version)[0])
    return ".".join([*numbers, "0", "0", "0", "0"][:4])
