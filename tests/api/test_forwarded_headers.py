"""Proxies are believed only if the settings name them (contract section 1.1, item 2)."""

import ipaddress

import httpx2
import pytest

from tenant_api.app import create_app
from tenant_api.settings import load_settings
from tenant_api.settings.errors import SettingsError
from tests.api import bodies
from tests.api.service import Api, environment, serving, transport_to

pytestmark = pytest.mark.anyio

SENT = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example", "X-Forwarded-For": "203.0.113.7"}
ON = {"HTTP__FORWARDED_HEADERS": "true"}


async def origin(api: Api, client: str, headers: dict[str, str] | None = None) -> str:
    """The origin of the addresses that a caller from there is shown."""
    transport = transport_to(create_app(api.runtime), client=(client, 1234))
    async with httpx2.AsyncClient(transport=transport, base_url="http://tenant-api.test") as http:
        answer = await http.get("/", headers=SENT if headers is None else headers)
    url: str = answer.json()["urls"]["openApiMetadata"]
    return url.removesuffix("/metadata/specifications")


async def test_nobody_is_believed_by_default(shared: Api) -> None:
    assert await origin(shared, "127.0.0.1") == "http://tenant-api.test"


async def test_without_known_proxies_only_this_machine_is_believed(service_url: str) -> None:
    async with serving(service_url, **ON) as api:
        for client in ("127.0.0.1", "::1", "127.8.8.8", "::ffff:127.0.0.1"):
            assert await origin(api, client) == "https://api.example"
        for client in ("10.0.0.1", "2001:db8::1", "testclient"):
            assert await origin(api, client) == "http://tenant-api.test"
        vendor = await api.post("/v3/vendors", bodies.vendor(), headers=SENT)
        assert vendor.headers["location"].startswith("https://api.example/v3/vendors/")
        found = (await api.http.get("/.well-known/openid-configuration", headers=SENT)).json()
        assert found["token_endpoint"] == "https://api.example/connect/token"


async def test_known_proxies_and_networks_are_believed_alone(service_url: str) -> None:
    known = {"HTTP__KNOWN_PROXIES": "10.0.0.1, 2001:db8::1", "HTTP__KNOWN_NETWORKS": "192.168.0.0/16,fd00::/8"}
    async with serving(service_url, **ON, **known) as api:
        for client in ("10.0.0.1", "2001:db8::1", "192.168.7.7", "fd00::1", "::ffff:10.0.0.1"):
            assert await origin(api, client) == "https://api.example"
        for client in ("127.0.0.1", "10.0.0.2", "::1"):
            assert await origin(api, client) == "http://tenant-api.test"


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"X-Forwarded-Proto": "http, https"}, "https://tenant-api.test"),
        ({"X-Forwarded-Proto": "https, http"}, "http://tenant-api.test"),
        ({"X-Forwarded-Proto": "javascript"}, "http://tenant-api.test"),
        ({"X-Forwarded-Host": "evil.example, api.example:8443"}, "http://api.example:8443"),
        ({"X-Forwarded-Host": "[2001:db8::1]:80"}, "http://[2001:db8::1]:80"),
        ({"X-Forwarded-Host": "api.example/path"}, "http://tenant-api.test"),
        ({"X-Forwarded-Host": "a@b"}, "http://tenant-api.test"),
        ({"X-Forwarded-Host": ""}, "http://tenant-api.test"),
        ({"X-Forwarded-For": "<script>"}, "http://tenant-api.test"),
    ],
)
async def test_only_the_last_entry_counts_and_only_if_it_is_one(
    service_url: str, headers: dict[str, str], shown: str
) -> None:
    async with serving(service_url, **ON) as api:
        assert await origin(api, "127.0.0.1", headers) == shown


def test_addresses_are_read_from_settings() -> None:
    url = "postgresql://u:p@localhost/d"
    given = {"TENANT_API_HTTP__KNOWN_PROXIES": "10.0.0.1", "TENANT_API_HTTP__KNOWN_NETWORKS": "10.0.0.0/8"}
    http = load_settings(environment(url, **given)).http
    assert http.known_proxies == (ipaddress.ip_address("10.0.0.1"),)
    assert http.known_networks == (ipaddress.ip_network("10.0.0.0/8"),)
    for name, wrong in [("PROXIES", "proxy.local"), ("NETWORKS", "10.0.0.1/33")]:
        with pytest.raises(SettingsError) as refused:
            load_settings(environment(url, **{f"TENANT_API_HTTP__KNOWN_{name}": wrong}))
        assert f"TENANT_API_HTTP__KNOWN_{name}" in str(refused.value)
        assert wrong not in str(refused.value)
