"""Identity providers with which the stories are told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from tests.e2e.service import PROGRAM, clean_environment, execute
from tests.identity.keycloak_realms import Console, service_settings, settings_for
from tests.parts.keycloak import keycloak_server


@dataclass(frozen=True)
class Idp:
    """`settings` are environment variables without their prefix."""

    issuer: str = "http://127.0.0.1:"
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {f"TENANT_API_{name}": value for name, value in self.settings.items()}


@pytest.fixture(scope="module")
def keycloak() -> Iterator[Idp]:
    """A realm that did not exist before `tenant-api idp prepare` made it."""
    server = keycloak_server()
    realm = settings_for(server, f"story-{uuid4().hex[:12]}")
    idp = Idp(f'{realm.expected_issuer}"', service_settings(realm))
    command = (*PROGRAM, "idp", "prepare", "--administrator", server.administrator, "--yes")
    environment = clean_environment(**idp.environment, TA_IDP_PASSWORD=server.password)
    prepared = execute(*command, environment=environment)
    assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    yield idp
    with Console(server, realm.realm) as console:
        console.delete("")
