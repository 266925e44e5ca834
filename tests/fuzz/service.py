"""A service in a process of its own, on a database of its own, that offers everything the description says."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg

from tenant_api.cli.demo.process import Process
from tenant_api.connect.schemas import SECRET as EXAMPLE_SECRET
from tenant_api.managed_data_stores.schemas import MANAGED
from tenant_api.oauth2.schemas import CLIENT_ID as OAUTH_CLIENT
from tenant_api.tenants.schemas import TENANT
from tests.api.service import CLIENTS, SCOPES, SECRET, environment
from tests.e2e.service import clean_environment
from tests.parts.ports import kept_port

START_SECONDS = 60
CALL_SECONDS = 30
"""For a call of ours, which is not what is tried; a machine on which suites run may be busy."""
EXAMPLE_CLIENTS = [
    {"id": name, "secret": EXAMPLE_SECRET, "display_name": name, "scopes": [scope]}
    for name, scope in (("operator", SCOPES["admin"]), (OAUTH_CLIENT, SCOPES["reader"]))
]
"""The clients of the examples, so that these get tokens."""
SETTINGS = {
    "API__APPLICATION_RESET_ENDPOINT": "true",
    "IDENTITY__ALLOW_REGISTRATION": "true",
    "CLAIMS__UNRESTRICTED_LOADING": "true",
    "IDENTITY__CLIENTS": json.dumps([*CLIENTS, *EXAMPLE_CLIENTS]),
    # Managed data stores are made and removed by real jobs, on a provisioner that only pretends: a run would
    # otherwise leave thousands of databases.
    "PROVISIONER__NAME": "memory",
    "LOG__LEVEL": "ERROR",
}


@dataclass(frozen=True)
class Served:
    """Where a service is, and what every request to it carries."""

    url: str
    headers: dict[str, str]
    own_tenant: int | None
    log: Path

    def errors(self) -> list[str]:
        """What the service itself took for its defects."""
        return [line for line in self.log.read_text().splitlines() if "request.failed" in line]


@contextmanager
def serving(database_url: str, *, multi_tenancy: bool) -> Iterator[Served]:
    """Start a service, wait until it answers, stop it in the end."""
    with tempfile.TemporaryDirectory(prefix="tenant-api-fuzz-") as place, kept_port() as port:
        folder = Path(place)
        url = f"http://127.0.0.1:{port}"
        own = {**SETTINGS, "MULTI_TENANCY": str(multi_tenancy).lower(), "HTTP__PORT": str(port)}
        settings = environment(database_url, **{f"TENANT_API_{name}": value for name, value in own.items()})
        process = Process("serve", clean_environment(**settings), folder / "serve.log")
        try:
            process.wait_until(lambda: _is_ready(url), START_SECONDS)
            _add_template(database_url)
            yield _served(url, process.log, multi_tenancy=multi_tenancy)
        finally:
            process.stop()


def _is_ready(url: str) -> bool:
    # Without the certificates of the system: to read them with every look would take what the start needs.
    try:
        return httpx2.get(f"{url}/health/ready", verify=False).status_code == 200
    except httpx2.HTTPError:
        return False


def _served(url: str, log: Path, *, multi_tenancy: bool) -> Served:
    form = {"client_id": "admin", "client_secret": SECRET, "grant_type": "client_credentials"}
    token = (
        httpx2.post(f"{url}/connect/token", data=form, timeout=CALL_SECONDS).raise_for_status().json()["access_token"]
    )
    headers = {"Authorization": f"Bearer {token}"}
    if not multi_tenancy:
        return Served(url, headers, None, log)
    made = (
        httpx2.post(f"{url}/v3/tenants", json=TENANT, headers=headers, timeout=CALL_SECONDS).raise_for_status().json()
    )
    _wait_for_tenant(url, headers)
    return Served(url, headers, made["id"], log)


def _wait_for_tenant(url: str, headers: dict[str, str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    asked = {**headers, "Tenant": TENANT["name"]}
    while httpx2.get(f"{url}/v3/vendors", headers=asked, verify=False, timeout=CALL_SECONDS).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _add_template(database_url: str) -> None:
    """The template that the example names. Its databases cannot be made: their jobs fail and can be tried again."""
    template = uuid4()
    handle = json.dumps({"templateId": str(template)})
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO templates (id, server, name, state, fingerprint, ddl, tables, size_bytes, handle, notes) "
            "VALUES (%s, 'memory:memory', %s, 'current', '', false, 0, 0, %s, '[]')",
            (template, MANAGED["databaseTemplate"], handle),
        )
