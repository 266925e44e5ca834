"""What is refused says why in the contract's words, and changes nothing."""

import asyncio

import pytest

from tests.api import bodies
from tests.api.service import Api, serving
from tests.crash.environment import Environment
from tests.managed.stores import MANAGE, Stores, at_work

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("managed")]

CHARACTERS = "'Name' may only contain letters, numbers, spaces, and underscores."
TEMPLATE = "'{}' is not a valid database template. Allowed values are: Tiny."


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("Grand-Bend", [CHARACTERS]),
        ("Ünï", [CHARACTERS]),
        ('x"; DROP DATABASE postgres; --', [CHARACTERS]),
        ("line\nbreak", [CHARACTERS]),
        ("", ["'Name' must not be empty.", CHARACTERS]),
        ("   ", ["'Name' must not be empty."]),
        (None, ["'Name' must not be empty."]),
    ],
)
async def test_a_name_has_letters_digits_blanks_and_underscores(
    api: Api, name: str | None, sentences: list[str]
) -> None:
    answer = await api.post(MANAGE, {"name": name, "databaseTemplate": "Tiny"})
    assert answer.status_code == 400
    assert answer.json()["validationErrors"]["Name"] == sentences
    assert (await api.get(MANAGE)).json() == []


async def test_a_name_has_at_most_a_hundred_characters(api: Api, stores: Stores) -> None:
    refused = await api.post(MANAGE, {"name": "x" * 101, "databaseTemplate": "Tiny"})
    assert refused.status_code == 400
    assert list(refused.json()["validationErrors"]) == ["Name"]
    async with at_work(api):
        created = await stores.created("x" * 100)
    assert (len(created["databaseName"]), created["dataStoreName"]) == (47, "x" * 100)


async def test_an_unknown_template_is_refused_with_those_that_there_are(api: Api) -> None:
    for template in ("tiny", "Populated", "Tiny'"):
        answer = await api.post(MANAGE, {"name": "Year", "databaseTemplate": template})
        assert answer.status_code == 400
        assert answer.json()["validationErrors"] == {"DatabaseTemplate": [TEMPLATE.format(template)]}
    missing = await api.post(MANAGE, {"name": "Year"})
    assert list(missing.json()["validationErrors"]) == ["DatabaseTemplate"]


async def test_of_two_with_the_same_name_at_once_one_is_accepted(api: Api) -> None:
    for number in range(5):
        body = {"name": f"Twin {number}", "databaseTemplate": "Tiny"}
        answers = await asyncio.gather(*(api.post(MANAGE, body) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [202, 400]
        (refused,) = (answer for answer in answers if answer.status_code == 400)
        sentence = f"A DataStoreManage named 'Twin {number}' already exists."
        assert refused.json()["validationErrors"] == {"Name": [sentence]}
    assert len((await api.get(MANAGE)).json()) == len((await api.get("/v3/jobs")).json()) == 5


async def test_a_name_with_blanks_around_is_the_same_name(api: Api, stores: Stores) -> None:
    await stores.accepted("Year")
    answer = await api.post(MANAGE, {"name": " Year ", "databaseTemplate": "Tiny"})
    assert answer.json()["validationErrors"] == {"Name": ["A DataStoreManage named 'Year' already exists."]}


async def test_the_name_of_another_data_store_is_taken(api: Api) -> None:
    await api.made("/v3/dataStores", bodies.data_store(name="By hand"))
    answer = await api.post(MANAGE, {"name": "By hand", "databaseTemplate": "Tiny"})
    assert answer.json()["validationErrors"] == {"Name": ["A DataStore named 'By hand' already exists."]}


STATES = [
    (
        "createDataStore",
        "queued",
        0,
        "PendingCreate",
        "DataStoreManage is being provisioned. Wait for creation to complete.",
    ),
    (
        "createDataStore",
        "running",
        0,
        "CreateInProgress",
        "DataStoreManage is currently being provisioned. Wait for creation to complete.",
    ),
    (
        "createDataStore",
        "waiting",
        2,
        "CreateFailed",
        "DataStoreManage creation failed. It will be retried automatically by the background job.",
    ),
    ("deleteDataStore", "queued", 0, "PendingDelete", "DataStoreManage is already queued for deletion."),
    ("deleteDataStore", "running", 0, "DeleteInProgress", "DataStoreManage is currently being deleted."),
    (
        "deleteDataStore",
        "waiting",
        2,
        "DeleteFailed",
        "DataStoreManage deletion failed. It will be retried automatically by the background job.",
    ),
]


@pytest.mark.parametrize("case", STATES)
async def test_a_delete_waits_for_what_is_under_way(
    api: Api, stores: Stores, case: tuple[str, str, int, str, str]
) -> None:
    kind, state, attempts, status, sentence = case
    accepted = await stores.accepted("Busy")
    async with api.runtime.pool.connection() as connection:
        await connection.execute("UPDATE operations SET kind = %s, state = %s, attempts = %s", (kind, state, attempts))
    assert (await stores.shown(accepted["id"]))["status"] == status
    answer = await api.delete(f"{MANAGE}/{accepted['id']}")
    assert (answer.status_code, answer.json()["validationErrors"]) == (400, {"Id": [sentence]})
    assert len((await api.get("/v3/jobs")).json()) == 1
    health = await api.get(f"{MANAGE}/{accepted['id']}/health")
    assert health.status_code == 409
    async with api.runtime.pool.connection() as connection:
        await connection.execute("UPDATE operations SET kind = 'createDataStore', state = 'failed'")


async def test_what_applications_use_is_not_deleted(api: Api, stores: Stores) -> None:
    async with at_work(api):
        created = await stores.created("Used")
        vendor = await api.made("/v3/vendors", bodies.vendor())
        body = bodies.application(vendor, applicationName="SIS", dataStoreIds=[created["dataStoreId"]])
        application = await api.made("/v3/applications", body)
        refused = await api.delete(f"{MANAGE}/{created['id']}")
        assert refused.status_code == 409
        assert refused.json()["type"] == "urn:ed-fi:api:conflict:dependent-item-exists"
        assert "application 'SIS'" in refused.json()["detail"]
        assert (await stores.shown(created["id"]))["status"] == "Created"
        assert (await api.delete(f"/v3/applications/{application}")).status_code == 204
        assert (await api.delete(f"{MANAGE}/{created['id']}")).status_code == 202
        await stores.reaches(created["id"], "Deleted")


async def test_a_dependant_that_came_after_the_acceptance_stops_the_delete_before_anything_is_lost(
    api: Api, stores: Stores
) -> None:
    async with at_work(api):
        created = await stores.created("Used late")
    accepted = (await api.delete(f"{MANAGE}/{created['id']}")).json()
    vendor = await api.made("/v3/vendors", bodies.vendor())
    application = await api.made("/v3/applications", bodies.application(vendor, dataStoreIds=[created["dataStoreId"]]))
    async with at_work(api):
        refused = await stores.reaches(created["id"], "DeleteError")
        assert refused["allowedActions"] == ["retry", "delete"]
        assert "still used by application" in refused["why"]
        assert (await stores.job(accepted["jobId"]))["status"] == "Error"
        assert (await api.get(f"/v3/dataStores/{created['dataStoreId']}")).status_code == 200
        assert (await api.delete(f"/v3/applications/{application}")).status_code == 204
        assert (await api.post(f"/v3/jobs/{accepted['jobId']}/retry")).status_code == 202
        await stores.reaches(created["id"], "Deleted")


async def test_readers_only_read(api: Api, stores: Stores) -> None:
    accepted = await stores.accepted("Read only")
    body = {"name": "No", "databaseTemplate": "Tiny"}
    for answer in (
        await api.post(MANAGE, body, caller="reader"),
        await api.delete(f"{MANAGE}/{accepted['id']}", caller="reader"),
        await api.post(f"/v3/jobs/{accepted['jobId']}/cancel", caller="reader"),
        await api.post(f"/v3/jobs/{accepted['jobId']}/retry", caller="reader"),
    ):
        assert answer.status_code == 403
    for path in (MANAGE, f"{MANAGE}/{accepted['id']}", "/v3/jobs", f"/v3/jobs/{accepted['jobId']}"):
        assert (await api.get(path, caller="reader")).status_code == 200
        assert (await api.get(path, caller=None)).status_code == 401


async def test_what_does_not_exist_is_not_found(api: Api) -> None:
    nobody = "11111111-2222-3333-4444-555555555555"
    for method, path in (
        ("GET", f"{MANAGE}/99"),
        ("DELETE", f"{MANAGE}/99"),
        ("GET", f"{MANAGE}/99/health"),
        ("GET", f"/v3/jobs/{nobody}"),
        ("POST", f"/v3/jobs/{nobody}/cancel"),
        ("POST", f"/v3/jobs/{nobody}/retry"),
    ):
        assert (await api.call(method, path)).status_code == 404, path
    for path in (f"{MANAGE}/abc", "/v3/jobs/7", f"{MANAGE}/99999999999"):
        assert (await api.get(path)).status_code == 400, path


async def test_a_tenant_sees_neither_the_stores_nor_the_jobs_of_another(environment: Environment) -> None:
    async with environment.service_database() as database:
        url = environment.superuser.url(database)
        async with serving(url, multi_tenancy=True, **environment.provisioner()) as api:
            for tenant in ("one", "two"):
                assert (await api.post("/v3/tenants", {"name": tenant})).status_code == 201
            one, two = Stores(api, "one"), Stores(api, "two")
            accepted = await one.accepted("Same name")
            other = await two.accepted("Same name")
            assert "_one_" in (await one.shown(accepted["id"]))["databaseName"]
            for method, path in (
                ("GET", f"{MANAGE}/{accepted['id']}"),
                ("DELETE", f"{MANAGE}/{accepted['id']}"),
                ("GET", f"{MANAGE}/{accepted['id']}/health"),
                ("GET", f"/v3/jobs/{accepted['jobId']}"),
                ("POST", f"/v3/jobs/{accepted['jobId']}/cancel"),
                ("POST", f"/v3/jobs/{accepted['jobId']}/retry"),
            ):
                assert (await api.call(method, path, tenant="two")).status_code == 404, path
            assert [row["id"] for row in (await api.get("/v3/jobs", tenant="two")).json()] == [other["jobId"]]
            assert [row["id"] for row in (await api.get(MANAGE, tenant="two")).json()] == [other["id"]]
