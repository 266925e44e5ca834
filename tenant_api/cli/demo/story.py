"""The story, act by act. Everything happens through the HTTP API, unless it says otherwise."""

from typing import Any

import rich_click as click

from tenant_api.cli.api import Api
from tenant_api.cli.demo.data_plane import claims_of, login_of, look_around
from tenant_api.cli.demo.process import Process
from tenant_api.cli.demo.stage import Stage
from tenant_api.cli.demo.sudden_death import kill_in_the_middle
from tenant_api.cli.demo.temporary_service import TemporaryService
from tenant_api.cli.demo.witness import standing
from tenant_api.cli.following import Job, follow, stage

TENANT = "Springfield"
TEMPLATE = "Sample"
MANAGED = "/v3/dataStores/manage"
WATCH_SECONDS = 0.05


class Story:
    """One telling. `service` is running; its workers belong to the story."""

    def __init__(self, stage: Stage, service: TemporaryService) -> None:
        self._stage = stage
        self._service = service

    def tell(self) -> None:
        """From a tenant to nothing left; click.ClickException if anything is not as it should be."""
        worker = self._open()
        with Api(self._service.access(TENANT)) as api:
            application = self._newcomers(api)
            first = self._create(api)
            self._link(api, application, [first["dataStoreId"]])
            self._use(api, application, first)
            others = self._survive(api, worker)
            self._remove(api, application, [first, *others])

    def _open(self) -> Process:
        self._stage.act("A service of its own: an embedded PostgreSQL, the API and a worker, each a process")
        self._stage.deed("tenant-api serve", lambda: f"{self._service.url}  (process {self._service.start_api().pid})")
        return self._stage.deed("tenant-api work", self._service.start_worker)

    def _newcomers(self, api: Api) -> dict[str, Any]:
        self._stage.act("A tenant, a vendor, and an application with a credential")
        self._stage.call(api, "POST", "/v3/tenants", {"name": TENANT})
        vendor = {
            "company": "Acme Learning",
            "contactName": "Ada Lovelace",
            "contactEmailAddress": "ada@acme.example",
            "namespacePrefixes": "uri://ed-fi.org,uri://acme.example",
        }
        location = self._stage.call(api, "POST", "/v3/vendors", vendor).location
        application = {
            "applicationName": "Roster sync",
            "vendorId": int(str(location).rpartition("/")[2]),
            "claimSetName": "SISVendor",
            "educationOrganizationIds": [255901],
            "dataStoreIds": [],
        }
        credential = self._stage.call(api, "POST", "/v3/applications", application).body
        return {**application, **credential}

    def _create(self, api: Api) -> dict[str, Any]:
        self._stage.act(f"A managed data store: a database of its own, copied from the template {TEMPLATE}")
        accepted = self._order(api, f"{TENANT} 2026")
        self._follow(api, accepted["jobId"])
        return self._shown(api, accepted["id"])

    def _link(self, api: Api, application: dict[str, Any], data_stores: list[int]) -> None:
        self._stage.act("The application may use it" if data_stores else "The application gives it up")
        body = {name: value for name, value in application.items() if name not in {"key", "secret"}}
        path = f"/v3/applications/{application['id']}"
        # With an identity provider outside the database the change is in the next token once a job has ended.
        if job_id := self._stage.call(api, "PUT", path, {**body, "dataStoreIds": data_stores}).job_id:
            self._follow(api, job_id)

    def _use(self, api: Api, application: dict[str, Any], managed: dict[str, Any]) -> None:
        self._stage.act("A token with the application's credential, and what it grants")
        token = self._stage.token(api, application["key"], application["secret"])
        claims = self._stage.deed("decode the token", lambda: claims_of(token))
        _expect(claims.get("dataStoreIds") == str(managed["dataStoreId"]), "The token does not name the data store.")
        self._stage.act("The database's health, measured with its own login")
        health = self._stage.call(api, "GET", f"{MANAGED}/{managed['id']}/health").body
        _expect(health["available"], "The database is not available.")
        _expect(health["counts"].get("students", 0) > 0, "The database has no students.")
        self._stage.act("What a data plane does: fetch the data store, open its connection string, connect")
        store = self._stage.call(api, "GET", f"/v3/dataStores/{managed['dataStoreId']}").body
        login = login_of(store["connectionString"], self._service.connection_string_key())
        seen = self._stage.deed(f"connect as {login['username']}", lambda: look_around(login))
        _expect(seen["database"] == managed["databaseName"], "The connection string leads elsewhere.")

    def _survive(self, api: Api, worker: Process) -> list[dict[str, Any]]:
        self._stage.act("A second database, and its worker is killed in the middle")
        made: list[dict[str, Any]] = []
        for year in range(2027, 2037):
            accepted = self._order(api, f"{TENANT} {year}")
            if job := kill_in_the_middle(api, worker, accepted["jobId"], self._stage):
                return [*made, self._resume(api, accepted, job)]
            self._stage.note("That one was too fast for us; once more.")
            made.append(self._shown(api, accepted["id"]))
        raise click.ClickException("The worker could not be caught in the middle of a step.")

    def _resume(self, api: Api, accepted: dict[str, Any], job: Job) -> dict[str, Any]:
        self._stage.note(f"Nobody works on the job, which still says: {stage(job)}")
        self._stage.deed("tenant-api work", self._service.start_worker)
        resumed = self._follow(api, accepted["jobId"])
        attempts = [f"{step['name']} (attempt {step['attempt']})" for step in resumed["steps"]]
        self._stage.note(f"The steps of the job: {', '.join(attempts)}")
        _expect(any(step["attempt"] > 1 for step in resumed["steps"]), "No step was taken up again.")
        return self._shown(api, accepted["id"])

    def _remove(self, api: Api, application: dict[str, Any], managed: list[dict[str, Any]]) -> None:
        self._stage.act("What is in use is not deleted")
        refusal = self._stage.refused(api, "DELETE", f"{MANAGED}/{managed[0]['id']}")
        _expect(refusal.status == 409, "A data store in use was not protected.")
        self._link(api, application, [])
        names = [item["databaseName"] for item in managed]
        self._stage.act("All databases of the story are deleted")
        self._stage.deed("ask PostgreSQL itself what stands there", lambda: standing(self._service.folder, names))
        for item in managed:
            accepted = self._stage.call(api, "DELETE", f"{MANAGED}/{item['id']}").body
            self._follow(api, accepted["jobId"])
        self._stage.act("Proof that they are gone")
        for item in managed:
            shown = self._stage.call(api, "GET", f"{MANAGED}/{item['id']}").body
            _expect(shown["status"] == "Deleted", f"The API says {shown['status']}.")
        left = self._stage.deed(
            "ask PostgreSQL itself what stands there", lambda: standing(self._service.folder, names)
        )
        _expect(not left, f"Left behind: {', '.join(left)}")

    def _order(self, api: Api, name: str) -> dict[str, Any]:
        body = {"name": name, "databaseTemplate": TEMPLATE}
        accepted: dict[str, Any] = self._stage.call(api, "POST", MANAGED, body).body
        return accepted

    def _shown(self, api: Api, managed_id: int) -> dict[str, Any]:
        shown: dict[str, Any] = self._stage.call(api, "GET", f"{MANAGED}/{managed_id}").body
        _expect(shown["status"] == "Created", f"The API says {shown['status']}.")
        return shown

    def _follow(self, api: Api, job_id: str) -> Job:
        with self._stage.following(job_id) as report:
            job = follow(api, job_id, lambda state: report(stage(state), state["fraction"]), poll_seconds=WATCH_SECONDS)
        _expect(job["status"] == "Completed", f"The job ended as {job['status']}: {job['errorMessage']}")
        return job


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise click.ClickException(otherwise)
