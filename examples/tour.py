"""A tenant, a vendor, a credential, a database: the whole story in Python. Start the service first: make up

Run it as `.venv/bin/python examples/tour.py [administrator.json]`. Without the argument it looks for the service's
administrator file in TA_ADMINISTRATOR, then where the service keeps it.
"""

import base64
import json
import os
import sys
import time
from pathlib import Path

import httpx2
import psycopg
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

TENANT = f"Tour-{os.getpid()}"


def data_folder() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/tenant-api")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "tenant-api"


def token(http: httpx2.Client, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    granted: str = http.post("/connect/token", data=form).raise_for_status().json()["access_token"]
    return granted


def call(http: httpx2.Client, method: str, path: str, body: object = None) -> httpx2.Response:
    """One request, shown with its answer; what the service refuses ends the tour."""
    answer = http.request(method, path, json=body)
    print(f"{method} {path} -> {answer.status_code} {discreet(answer)}")
    if answer.is_error:
        sys.exit(1)
    return answer


def discreet(answer: httpx2.Response) -> str:
    """The body with secrets shortened."""
    body = answer.json() if answer.content else {}
    secrets = ("secret", "connectionString")
    return json.dumps({name: f"{value[:6]}…" if name in secrets else value for name, value in body.items()})


def finish(http: httpx2.Client, job_id: str) -> None:
    """Wait for the end of a job."""
    while (job := http.get(f"/v3/jobs/{job_id}").raise_for_status().json())["status"] in ("Pending", "InProgress"):
        time.sleep(0.2)
    print(f"job {job_id}: {job['status']}")
    if job["status"] != "Completed":
        sys.exit(f"{job['errorMessage']}")


def settle(http: httpx2.Client, answer: httpx2.Response) -> None:
    """Wait until an identity provider that is not built in knows of a change; the built-in one knows at once."""
    if address := answer.headers.get("operation-location"):
        finish(http, address.rpartition("/")[2])


def open_sealed(sealed: str, key: str) -> dict[str, str]:
    """What a data plane does with a connection string: AES-256-CBC under the shared key, initial vector first."""
    blob = base64.b64decode(sealed)
    decryptor = Cipher(AES256(key.ljust(32, "0")[:32].encode()), CBC(blob[:16])).decryptor()
    padded = decryptor.update(blob[16:]) + decryptor.finalize()
    pairs = padded[: -padded[-1]].decode().split(";")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def shared_key(folder: Path) -> str:
    """The embedded service keeps its keys beside the administrator file; other services get them as settings."""
    lines = (line.partition("=") for line in (folder / "keys").read_text().splitlines())
    return {name: value for name, _, value in lines}["TENANT_API_KEYS__CONNECTION_STRINGS"]


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TA_ADMINISTRATOR")
    file = Path(given) if given else data_folder() / "administrator.json"
    administrator = json.loads(file.read_text())

    with httpx2.Client(base_url=administrator["url"], headers={"Tenant": TENANT}, timeout=30) as http:
        bearer = token(http, administrator["client_id"], administrator["client_secret"])
        http.headers["Authorization"] = f"Bearer {bearer}"

        call(http, "POST", "/v3/tenants", {"name": TENANT})

        vendor = {
            "company": "Acme Learning",
            "contactName": "Ada Lovelace",
            "contactEmailAddress": "ada@acme.example",
            "namespacePrefixes": "uri://ed-fi.org,uri://acme.example",
        }
        vendor_id = call(http, "POST", "/v3/vendors", vendor).headers["location"].rpartition("/")[2]

        application = {
            "applicationName": "Roster sync",
            "vendorId": int(vendor_id),
            "claimSetName": "SISVendor",
            "educationOrganizationIds": [255901],
            "dataStoreIds": [],
        }
        credential = call(http, "POST", "/v3/applications", application).json()
        application["id"] = credential["id"]

        # A database of its own, copied from the template Sample. The answer names the job that makes it.
        wanted = {"name": "Tour 2026", "databaseTemplate": "Sample"}
        accepted = call(http, "POST", "/v3/dataStores/manage", wanted).json()
        finish(http, accepted["jobId"])
        managed = f"/v3/dataStores/manage/{accepted['id']}"
        data_store_id = call(http, "GET", managed).json()["dataStoreId"]

        link = {**application, "dataStoreIds": [data_store_id]}
        settle(http, call(http, "PUT", f"/v3/applications/{application['id']}", link))

        # A token with the application's own credential, and the claims in it.
        payload = token(http, credential["key"], credential["secret"]).split(".")[1]
        print("the application's token says", base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode())

        call(http, "GET", f"{managed}/health")

        # What a data plane does: fetch the data store, open its connection string, connect with that login.
        store = call(http, "GET", f"/v3/dataStores/{data_store_id}").json()
        login = open_sealed(store["connectionString"], shared_key(file.parent))
        with psycopg.connect(
            host=login["host"],
            port=login["port"],
            user=login["username"],
            password=login["password"],
            dbname=login["database"],
        ) as session:
            [(students,)] = session.execute("SELECT count(*) FROM edfi.student")
            print(f"{login['username']} counts {students} students in {login['database']}")

        settle(http, call(http, "PUT", f"/v3/applications/{application['id']}", application))
        finish(http, call(http, "DELETE", managed).json()["jobId"])
        call(http, "GET", managed)
    print("The tour is over.")


if __name__ == "__main__":
    main()
