"""Every problem that the service can answer, word for word (contract section 1.4)."""

import pytest

from idp_providers.errors import IdpRejectedError
from tests.api import bodies
from tests.api.service import Api, serving
from tests.contract.problem_bodies import says

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
SEE_ERRORS = "The request could not be processed. See 'errors' for details."
DATA = "Data validation failed. See 'validationErrors' for details."
PARAMETER = "Parameter validation failed. See 'errors' for details."


async def test_a_body_that_is_missing_is_a_bad_request(shared: Api) -> None:
    says(
        await shared.post("/v3/vendors", content=b"", headers=JSON),
        400,
        "urn:ed-fi:api:bad-request",
        "Bad Request",
        "The request could not be processed. See 'errors' for details.",
        errors=["A non-empty request body is required."],
    )


async def test_a_malformed_form_is_a_bad_request(shared: Api) -> None:
    answer = await shared.http.post(
        "/connect/token", content=b"a=1&" * 2000, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    problem = ["The request form payload is malformed."]
    says(answer, 400, "urn:ed-fi:api:bad-request", "Bad Request", SEE_ERRORS, errors=problem)


@pytest.mark.parametrize(
    "content", [b"{", b'{"company": 5}', b'{"applicationId": 1, "name": "a"}'], ids=["syntax", "type", "required"]
)
async def test_what_is_no_fitting_json_is_named_by_the_dollar_sign(shared: Api, content: bytes) -> None:
    path = "/v3/apiClients" if b"applicationId" in content else "/v3/vendors"
    says(
        await shared.post(path, content=content, headers=JSON),
        400,
        "urn:ed-fi:api:bad-request:data",
        "Data Validation Failed",
        "Data validation failed. See 'validationErrors' for details.",
        validation_errors={"$": ["The request body contains invalid JSON."]},
    )


async def test_a_put_names_its_item_twice_and_alike(shared: Api) -> None:
    guard = {"Id": ["Request body id must match the id in the url."]}
    answer = await shared.put("/v3/vendors/999999", {"id": 1})
    says(answer, 400, "urn:ed-fi:api:bad-request:data", "Data Validation Failed", DATA, validation_errors=guard)


async def test_rules_speak_of_the_member_in_words_and_of_elements_by_number(shared: Api) -> None:
    broken = bodies.application(
        1, applicationName="", claimSetName="x" * 257, educationOrganizationIds=[0], dataStoreIds=[1, -1]
    )
    says(
        await shared.post("/v3/applications", broken),
        400,
        "urn:ed-fi:api:bad-request:data",
        "Data Validation Failed",
        DATA,
        validation_errors={
            "ApplicationName": ["'Application Name' must not be empty."],
            "ClaimSetName": [
                "The length of 'Claim Set Name' must be 256 characters or fewer. You entered 257 characters."
            ],
            "EducationOrganizationIds[0]": ["'Education Organization Ids' must be greater than '0'."],
            "DataStoreIds[1]": ["'Data Store Ids' must be greater than '0'."],
        },
    )
    odd = {"ApplicationName": ["'Application Name' must not contain the NUL character."]}
    answer = await shared.post("/v3/applications", bodies.application(1, applicationName="a\0b"))
    says(answer, 400, "urn:ed-fi:api:bad-request:data", "Data Validation Failed", DATA, validation_errors=odd)


@pytest.mark.parametrize("path", ["/v3/vendors/a", f"/v3/vendors/{2**31}", "/v3/vendors?limit=abc", "/v3/vendors?id="])
async def test_a_value_of_the_address_that_cannot_be_read_is_a_wrong_parameter(shared: Api, path: str) -> None:
    says(
        await shared.get(path),
        400,
        "urn:ed-fi:api:bad-request:parameter",
        "Parameter Validation Failed",
        "Parameter validation failed. See 'errors' for details.",
        errors=["The request contains one or more invalid parameters."],
    )


async def test_nobody_is_told_to_authenticate(shared: Api) -> None:
    says(
        await shared.get("/v3/vendors", caller=None),
        401,
        "urn:ed-fi:api:security:authentication",
        "Authentication Failed",
        "Authentication is required to access this resource.",
    )


async def test_a_caller_without_the_scope_is_not_authorized(shared: Api) -> None:
    says(
        await shared.get("/v3/vendors", caller="metadata"),
        403,
        "urn:ed-fi:api:security:authorization",
        "Authorization Failed",
        "The authenticated client is not authorized to access this resource.",
    )


async def test_a_path_that_is_not_there_is_not_found(shared: Api) -> None:
    says(
        await shared.get("/v3/nothing"),
        404,
        "urn:ed-fi:api:not-found",
        "Not Found",
        "The requested resource could not be found.",
    )


async def test_an_item_that_is_not_there_is_not_found(shared: Api) -> None:
    missing = "Vendor 999999 not found. It may have been recently deleted."
    says(await shared.get("/v3/vendors/999999"), 404, "urn:ed-fi:api:not-found", "Not Found", missing)


async def test_a_method_that_a_path_lacks_is_not_allowed(shared: Api) -> None:
    says(
        await shared.call("PATCH", "/v3/vendors"),
        405,
        "urn:ed-fi:api:method-not-allowed",
        "Method Not Allowed",
        "The request construction was invalid.",
    )


async def test_the_present_state_may_be_a_conflict(shared_fleet: Api) -> None:
    answer = await shared_fleet.delete("/v3/tenants/0")
    says(answer, 409, "urn:ed-fi:api:conflict", "Conflict", "The default tenant cannot be changed.")


async def test_what_is_in_use_is_a_conflict_of_its_own(shared: Api) -> None:
    profile_id = await shared.made("/v3/profiles", bodies.profile())
    vendor_id = await shared.made("/v3/vendors", bodies.vendor())
    await shared.made("/v3/applications", bodies.application(vendor_id, profileIds=[profile_id]))
    says(
        await shared.delete(f"/v3/profiles/{profile_id}"),
        409,
        "urn:ed-fi:api:conflict:dependent-item-exists",
        "Dependent Item Exists",
        "Profile is assigned to applications and cannot be deleted.",
    )


async def test_a_reference_that_leads_nowhere_is_a_conflict_of_its_own(shared: Api) -> None:
    says(
        await shared.post("/v3/applications", bodies.application(999_999)),
        409,
        "urn:ed-fi:api:conflict:unresolved-reference",
        "Unresolved Reference",
        "Reference 'VendorId' does not exist.",
    )


async def test_a_taken_identity_is_a_conflict_of_its_own(shared: Api) -> None:
    says(
        await shared.post("/v3/claimSets", {"claimSetName": "SISVendor"}),
        409,
        "urn:ed-fi:api:conflict:non-unique-identity",
        "Identifying Values Are Not Unique",
        "The identifying value(s) of the item are the same as another item that already exists.",
        errors=["A claim set with this name already exists."],
    )


async def test_a_body_above_the_limit_is_known_by_its_phrase(service_url: str) -> None:
    async with serving(service_url, HTTP__MAX_BODY_BYTES="100") as api:
        answer = await api.post("/v3/vendors", bodies.vendor())
    says(answer, 413, "about:blank", "Payload Too Large", "Payload Too Large")


async def test_content_that_is_no_json_is_unsupported(shared: Api) -> None:
    says(
        await shared.post("/v3/vendors", content=b"{}", headers={"Content-Type": "text/plain"}),
        415,
        "urn:ed-fi:api:unsupported-media-type",
        "Unsupported Media Type",
        "The value specified in the 'Content-Type' header is not supported by this host.",
    )


async def test_a_defect_says_nothing_about_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_keys: object) -> None:
        raise RuntimeError("password=hunter2")

    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    monkeypatch.setattr(api.runtime.idp, "delete_clients", fail, raising=False)
    answer = await api.delete(f"/v3/vendors/{vendor_id}")
    says(answer, 500, "urn:ed-fi:api:internal-server-error", "Internal Server Error", "")


async def test_an_identity_provider_that_fails_is_a_bad_gateway(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_keys: object) -> None:
        raise IdpRejectedError("password=hunter2")

    vendor_id = await api.made("/v3/vendors", bodies.vendor())
    monkeypatch.setattr(api.runtime.idp, "delete_clients", fail, raising=False)
    says(
        await api.delete(f"/v3/vendors/{vendor_id}"),
        502,
        "urn:ed-fi:api:bad-gateway",
        "Bad Gateway",
        SEE_ERRORS,
        errors=["The identity provider returned an unexpected response."],
    )
    monkeypatch.undo()
    assert (await api.delete(f"/v3/vendors/{vendor_id}")).status_code == 204


async def test_a_database_that_is_away_is_a_reason_to_try_again(api: Api) -> None:
    headers = {"Authorization": f"Bearer {await api.token('admin')}"}
    await api.runtime.pool.close()
    answer = await api.get("/v3/vendors", caller=None, headers=headers)
    says(answer, 503, "about:blank", "Service Unavailable", "Service Unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_a_token_that_the_provider_cannot_judge_is_a_bad_gateway(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_token: str) -> None:
        raise IdpRejectedError("password=hunter2")

    headers = {"Authorization": f"Bearer {await api.token('admin')}"}
    monkeypatch.setattr(api.runtime.idp, "verify", fail, raising=False)
    says(
        await api.get("/v3/vendors", caller=None, headers=headers),
        502,
        "urn:ed-fi:api:bad-gateway",
        "Bad Gateway",
        SEE_ERRORS,
        errors=["The identity provider returned an unexpected response."],
    )
