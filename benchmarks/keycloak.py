"""A real Keycloak on the same database server, with the same clients as the service."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg

from benchmarks.crowd import CLAIM_SETS, Crowd
from benchmarks.service import Service
from idp_providers.contract import ClientSecret, ClientSpec
from idp_providers.keycloak.provider import KeycloakProvider
from idp_providers.keycloak.settings import ADMIN_SCOPES, KeycloakSettings
from idp_providers.preparation import Administrator
from tenant_api.embedded import attach
from tenant_api.kernel.sealing import Sealer
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.plugins.hosts import IdentityHost
from tenant_api.runtime import installation_of, open_pool
from tests.parts import keycloak, run
from tests.parts.keycloak import VERSION, KeycloakServer, keycloak_on

REALM = "edfi"
HEAP = "-Xmx2g"
COPY_ONE = Path(__file__).with_name("keycloak_crowd.sql")
TABLES = (
    "client",
    "client_attributes",
    "client_scope_client",
    "protocol_mapper",
    "protocol_mapper_config",
    "user_entity",
    "user_role_mapping",
)


@dataclass(frozen=True)
class Keycloak:
    """Where it grants tokens, and what may be changed about it."""

    server: KeycloakServer = field(repr=False)
    version: str = VERSION

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])

    @property
    def path(self) -> str:
        return f"/realms/{REALM}/protocol/openid-connect/token"

    def sign_with_es256(self) -> None:
        """For the realm's clients, from now on."""
        component = {
            "name": "es256",
            "providerId": "ecdsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"ecdsaEllipticCurveKey": ["P-256"], "priority": ["200"]},
        }
        with httpx2.Client(timeout=60, base_url=self.server.url) as http:
            own = {"grant_type": "password", "client_id": "admin-cli", "username": self.server.administrator}
            login = http.post(
                "/realms/master/protocol/openid-connect/token", data={**own, "password": self.server.password}
            )
            headers = {"Authorization": f"Bearer {login.raise_for_status().json()['access_token']}"}
            http.post(f"/admin/realms/{REALM}/components", json=component, headers=headers).raise_for_status()
            wanted = {"defaultSignatureAlgorithm": "ES256"}
            http.put(f"/admin/realms/{REALM}", json=wanted, headers=headers).raise_for_status()


@contextmanager
def keycloak_with(crowd: Crowd, service: Service) -> Iterator[Keycloak]:
    """Started as in production, on a database of its own of the service's server. It ends on leaving."""
    address = attach(service.folder)
    with psycopg.connect(service.superuser_url, autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE keycloak")
    jdbc = f"jdbc:postgresql://{address.host}:{address.port}/keycloak"
    try:
        with keycloak_on(jdbc, address.user, address.password, java=HEAP) as server:
            asyncio.run(_make_first(crowd, service, server, _settings(server)))
            _copy(crowd, address.url("keycloak"))
            yield Keycloak(server)
    finally:
        keycloak.end()
        run.end()


def _settings(server: KeycloakServer) -> KeycloakSettings:
    return KeycloakSettings(
        server_url=server.url,
        realm=REALM,
        client_secret=generate_client_secret(),
        client_scopes=(*ADMIN_SCOPES, *CLAIM_SETS),
        timeout_seconds=60,
    )


async def _make_first(crowd: Crowd, service: Service, server: KeycloakServer, settings: KeycloakSettings) -> None:
    """One client, as our own plugin makes it: the others are its copies."""
    administrator = Administrator(name=server.administrator, password=server.password)
    async with KeycloakProvider.preparation(settings, administrator) as preparation:
        async for _ in preparation.apply(await preparation.plan()):
            pass
    key, secret = crowd.credentials[0]
    async with open_pool(service.database_url, 1) as pool:
        installation, _ = await installation_of(pool)
        host = IdentityHost(
            installation=installation, pool=pool, sealer=Sealer(service.keys.sealing), pepper=service.keys.pepper
        )
        claims = await host.claims_of(key)
        assert claims is not None
        spec = ClientSpec(
            client_id=key,
            display_name=claims.display_name,
            role=service.client_role,
            scopes=claims.scopes,
            claims=claims,
        )
        provider = await KeycloakProvider.open(settings, host)
        try:
            await provider.create_client(spec, ClientSecret(value=secret))
        finally:
            await provider.close()


def _copy(crowd: Crowd, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TEMP TABLE crowd (key text, secret text)")
        connection.execute("CREATE TEMP TABLE model_key AS SELECT %s::text AS key", (crowd.credentials[0][0],))
        with connection.cursor() as cursor, cursor.copy("COPY crowd FROM STDIN") as copy:
            for pair in crowd.credentials:
                copy.write_row(pair)
        connection.execute(COPY_ONE.read_text(encoding="utf-8").encode())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}".encode())
