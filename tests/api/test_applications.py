"""Applications speak the contract (section 1.11)."""

import re
from typing import Any

import pytest

from tests.api import bodies
from tests.api.problems import breaks_rules, is_invalid_json, is_missing, is_unresolved
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MISSING = "Application not found"


@pytest.fixture(scope="module")
async def vendor_id(shared: Api) -> int:
    return await shared.made("/v3/vendors", bodies.vendor())


@pytest.fixture(scope="module")
async def stores(shared: Api) -> list[int]:
    return [await shared.made("/v3/dataStores", bodies.data_store()) for _ in range(3)]


async def test_a_new_application_shows_its_credential_once(shared: Api, vendor_id: int, stores: list[int]) -> None:
    body = bodies.application(
        vendor_id, educationOrganizationIds=[3, 1, 3], dataStoreIds=[stores[1], stores[0], stores[1]]
    )
    answer = await shared.post("/v3/applications", body)
    created = answer.json()
    assert answer.status_code == 201
    assert list(created) == ["id", "key", "secret"]
    assert GUID.fullmatch(created["key"])
    assert len(created["secret"]) == 32
    assert answer.headers["location"] == f"http://tenant-api.test/v3/applications/{created['id']}"
    shown = await shared.get(answer.headers["location"])
    assert shown.json() == {
        "id": created["id"],
        "applicationName": body["applicationName"],
        "vendorId": vendor_id,
        "claimSetName": "SISVendor",
        "educationOrganizationIds": [1, 3],
        "dataStoreIds": stores[:2],
        "profileIds": [],
        "enabled": True,
    }
    assert created["secret"] not in shown.text


async def test_the_token_says_what_the_application_may_do(shared: Api, vendor_id: int, stores: list[int]) -> None:
    body = bodies.application(vendor_id, educationOrganizationIds=[9, 7], dataStoreIds=[stores[2], stores[0]])
    claims = await shared.claims((await shared.post("/v3/applications", body)).json())
    assert claims["scope"] == "SISVendor"
    assert claims["namespacePrefixes"] == "uri://ed-fi.org,uri://acme.org"
    assert claims["educationOrganizationIds"] == "7,9"
    assert claims["dataStoreIds"] == f"{stores[0]},{stores[2]}"


async def test_a_new_application_has_one_approved_api_client_of_its_name(shared: Api, vendor_id: int) -> None:
    body = bodies.application(vendor_id, applicationName="n" * 256)
    created = (await shared.post("/v3/applications", body)).json()
    [client] = (await shared.get(f"/v3/apiClients?applicationid={created['id']}")).json()
    assert (client["name"], client["isApproved"], client["clientId"]) == ("n" * 256, True, created["key"])


async def test_arrays_may_be_omitted_or_null(shared: Api, vendor_id: int, stores: list[int]) -> None:
    arrays = ("educationOrganizationIds", "dataStoreIds", "profileIds")
    full = bodies.application(vendor_id, dataStoreIds=stores)
    application_id = await shared.made("/v3/applications", full)
    for bare in (bodies.without(full, *arrays), {**full, **dict.fromkeys(arrays)}):
        answer = await shared.put(f"/v3/applications/{application_id}", {**bare, "id": application_id})
        assert answer.status_code == 204
        shown = (await shared.get(f"/v3/applications/{application_id}")).json()
        assert [shown[name] for name in arrays] == [[], [], []]
    renamed = {**bodies.without(full, *arrays), "applicationName": bodies.unique("bare")}
    await shared.made("/v3/applications", renamed)


async def test_a_replaced_application_is_in_the_next_token_of_every_client(
    shared: Api, vendor_id: int, stores: list[int]
) -> None:
    body = bodies.application(vendor_id, dataStoreIds=stores[:1])
    first = (await shared.post("/v3/applications", body)).json()
    second = (await shared.post("/v3/apiClients", bodies.api_client(first["id"], stores[:1]))).json()
    other_vendor = await shared.made("/v3/vendors", bodies.vendor(namespacePrefixes="uri://other"))
    wanted = {
        **body,
        "id": first["id"],
        "applicationName": bodies.unique("renamed"),
        "vendorId": other_vendor,
        "claimSetName": "Other",
        "educationOrganizationIds": [5],
        "dataStoreIds": stores[1:],
    }
    answer = await shared.put(f"/v3/applications/{first['id']}", wanted)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shared.get(f"/v3/applications/{first['id']}")).json() == {**wanted, "enabled": True}
    for credential in (first, second):
        claims = await shared.claims(credential)
        assert claims["scope"] == "Other"
        assert claims["namespacePrefixes"] == "uri://other"
        assert claims["educationOrganizationIds"] == "5"
        assert claims["dataStoreIds"] == ",".join(map(str, stores[1:]))


async def test_a_put_that_changes_no_data_store_leaves_each_client_its_own(
    shared: Api, vendor_id: int, stores: list[int]
) -> None:
    body = bodies.application(vendor_id, dataStoreIds=stores[:1])
    application_id = (await shared.post("/v3/applications", body)).json()["id"]
    other = (await shared.post("/v3/apiClients", bodies.api_client(application_id, stores[1:2]))).json()
    await shared.put(f"/v3/applications/{application_id}", {**body, "id": application_id, "dataStoreIds": stores[:2]})
    assert (await shared.get(f"/v3/apiClients/{other['key']}")).json()["dataStoreIds"] == stores[1:2]


async def test_an_application_is_enabled_while_all_its_clients_are(
    shared: Api, vendor_id: int, stores: list[int]
) -> None:
    application_id = (await shared.post("/v3/applications", bodies.application(vendor_id))).json()["id"]
    client = bodies.api_client(application_id, stores[:1], isApproved=False)
    client_id = await shared.made("/v3/apiClients", client)
    assert (await shared.get(f"/v3/applications/{application_id}")).json()["enabled"] is False
    await shared.put(f"/v3/apiClients/{client_id}", {**client, "id": client_id, "isApproved": True})
    assert (await shared.get(f"/v3/applications/{application_id}")).json()["enabled"] is True


async def test_a_deleted_application_is_gone_with_its_clients(shared: Api, vendor_id: int, stores: list[int]) -> None:
    first = (await shared.post("/v3/applications", bodies.application(vendor_id))).json()
    second = (await shared.post("/v3/apiClients", bodies.api_client(first["id"], stores))).json()
    answer = await shared.delete(f"/v3/applications/{first['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    is_missing(await shared.get(f"/v3/applications/{first['id']}"), MISSING)
    is_missing(await shared.get(f"/v3/apiClients/{second['id']}"), "ApiClient not found")
    for credential in (first, second):
        assert (await shared.grant(credential)).status_code == 401
        assert await shared.runtime.idp.find_client(credential["key"]) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_application_is_missing_whatever_the_body_refers_to(shared: Api, method: str) -> None:
    body = bodies.application(999_999, id=999_999, dataStoreIds=[999_999]) if method == "PUT" else None
    is_missing(await shared.call(method, "/v3/applications/999999", body), MISSING)


async def test_an_application_without_clients_counts_as_missing_for_put(shared: Api, vendor_id: int) -> None:
    body = bodies.application(vendor_id)
    created = (await shared.post("/v3/applications", body)).json()
    [client] = (await shared.get(f"/v3/apiClients?applicationid={created['id']}")).json()
    await shared.delete(f"/v3/apiClients/{client['id']}")
    shown = (await shared.get(f"/v3/applications/{created['id']}")).json()
    assert (shown["dataStoreIds"], shown["enabled"]) == ([], True)
    is_missing(await shared.put(f"/v3/applications/{created['id']}", {**body, "id": created["id"]}), MISSING)
    assert (await shared.delete(f"/v3/applications/{created['id']}")).status_code == 204


async def test_references_that_lead_nowhere_are_conflicts(shared: Api, vendor_id: int, stores: list[int]) -> None:
    body = bodies.application(vendor_id)
    application_id = await shared.made("/v3/applications", body)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"vendorId": 999_999, "dataStoreIds": [999_999]}, "Reference 'VendorId' does not exist."),
        ({"vendorId": 0}, "Reference 'VendorId' does not exist."),
        ({"dataStoreIds": [stores[0], 999_999], "profileIds": [1]}, "Data store does not exist."),
        ({"profileIds": [1]}, "Profile does not exist."),
    ]
    for change, detail in changes:
        is_unresolved(await shared.post("/v3/applications", {**body, **change}), detail)
        wanted = {**body, "id": application_id, **change}
        is_unresolved(await shared.put(f"/v3/applications/{application_id}", wanted), detail)


async def test_names_are_unique_per_vendor(shared: Api, vendor_id: int) -> None:
    body = bodies.application(vendor_id)
    name = body["applicationName"]
    first = await shared.made("/v3/applications", body)
    second = await shared.made("/v3/applications", bodies.application(vendor_id))
    taken = {"ApplicationName": [f"Application '{name}' already exists for vendor."]}
    breaks_rules(await shared.post("/v3/applications", body), taken)
    breaks_rules(await shared.put(f"/v3/applications/{second}", {**body, "id": second}), taken)
    assert (await shared.put(f"/v3/applications/{first}", {**body, "id": first})).status_code == 204
    other_vendor = await shared.made("/v3/vendors", bodies.vendor())
    elsewhere = await shared.made("/v3/applications", {**body, "vendorId": other_vendor})
    breaks_rules(await shared.put(f"/v3/applications/{elsewhere}", {**body, "id": elsewhere}), taken)


@pytest.mark.parametrize(
    ("change", "failures"),
    [
        ({"applicationName": ""}, {"ApplicationName": ["'Application Name' must not be empty."]}),
        ({"applicationName": None}, {"ApplicationName": ["'Application Name' must not be empty."]}),
        (
            {"applicationName": "x" * 257},
            {
                "ApplicationName": [
                    "The length of 'Application Name' must be 256 characters or fewer. You entered 257 characters."
                ]
            },
        ),
        ({"claimSetName": ""}, {"ClaimSetName": ["'Claim Set Name' must not be empty."]}),
        ({"claimSetName": "a b"}, {"ClaimSetName": ["Claim set name must not contain white spaces."]}),
        (
            {"claimSetName": "\t"},
            {
                "ClaimSetName": [
                    "'Claim Set Name' must not be empty.",
                    "Claim set name must not contain white spaces.",
                ]
            },
        ),
        (
            {"claimSetName": "x" * 257},
            {
                "ClaimSetName": [
                    "The length of 'Claim Set Name' must be 256 characters or fewer. You entered 257 characters."
                ]
            },
        ),
        (
            {"educationOrganizationIds": [1, 0, -1]},
            {
                "EducationOrganizationIds[1]": ["'Education Organization Ids' must be greater than '0'."],
                "EducationOrganizationIds[2]": ["'Education Organization Ids' must be greater than '0'."],
            },
        ),
        ({"dataStoreIds": [0]}, {"DataStoreIds[0]": ["'Data Store Ids' must be greater than '0'."]}),
        ({"profileIds": [0]}, {"ProfileIds[0]": ["'Profile Ids' must be greater than '0'."]}),
    ],
)
async def test_a_member_that_breaks_its_rules_is_refused(
    shared: Api, vendor_id: int, change: bodies.Body, failures: dict[str, list[str]]
) -> None:
    breaks_rules(await shared.post("/v3/applications", bodies.application(vendor_id, **change)), failures)
    wanted = bodies.application(vendor_id, id=5, **change)
    breaks_rules(await shared.put("/v3/applications/5", wanted), failures)


async def test_put_requires_the_names_to_be_there_and_post_does_not(shared: Api, vendor_id: int) -> None:
    body = bodies.application(vendor_id, id=1)
    for name in ("applicationName", "claimSetName"):
        is_invalid_json(await shared.put("/v3/applications/1", bodies.without(body, name)))
        answer = await shared.post("/v3/applications", bodies.without(body, name))
        assert answer.json()["validationErrors"] == {
            name[0].upper() + name[1:]: [
                f"'{'Application Name' if name == 'applicationName' else 'Claim Set Name'}' must not be empty."
            ]
        }


async def test_the_largest_numbers_fit(shared: Api, vendor_id: int) -> None:
    body = bodies.application(vendor_id, claimSetName="c" * 256, educationOrganizationIds=[2**63 - 1])
    credential = (await shared.post("/v3/applications", body)).json()
    claims = await shared.claims(credential)
    assert (claims["educationOrganizationIds"], claims["scope"]) == (str(2**63 - 1), "c" * 256)
    is_invalid_json(await shared.post("/v3/applications", {**body, "educationOrganizationIds": [2**63]}))
    is_invalid_json(await shared.post("/v3/applications", {**body, "dataStoreIds": [2**31]}))
    is_unresolved(
        await shared.post("/v3/applications", {**body, "dataStoreIds": [2**31 - 1]}), "Data store does not exist."
    )


async def test_without_the_setting_there_is_no_reset_of_applications(shared: Api, vendor_id: int) -> None:
    application_id = await shared.made("/v3/applications", bodies.application(vendor_id))
    for caller in ("admin", None):
        answer = await shared.put(f"/v3/applications/{application_id}/reset-credential", caller=caller)
        is_missing(answer, "The requested resource could not be found.")


async def test_a_reset_renews_the_first_credential(service_url: str) -> None:
    async with serving(service_url, API__APPLICATION_RESET_ENDPOINT="true") as api:
        vendor_id = await api.made("/v3/vendors", bodies.vendor())
        store_id = await api.made("/v3/dataStores", bodies.data_store())
        old = (await api.post("/v3/applications", bodies.application(vendor_id))).json()
        other = (await api.post("/v3/apiClients", bodies.api_client(old["id"], [store_id]))).json()
        answer = await api.put(f"/v3/applications/{old['id']}/reset-credential/")
        new = answer.json()
        assert answer.status_code == 200
        assert list(new) == ["id", "key", "secret"]
        assert (new["id"], new["key"]) == (old["id"], old["key"])
        assert (await api.grant(old)).status_code == 401
        assert (await api.grant(new)).status_code == 200
        assert (await api.grant(other)).status_code == 200
        is_missing(await api.put("/v3/applications/999/reset-credential"), MISSING)
        for client in (await api.get("/v3/apiClients")).json():
            await api.delete(f"/v3/apiClients/{client['id']}")
        is_missing(await api.put(f"/v3/applications/{old['id']}/reset-credential"), MISSING)
