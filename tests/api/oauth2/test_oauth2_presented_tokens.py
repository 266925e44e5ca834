"""Introspection (RFC 7662) and revocation (RFC 7009) for clients that proved themselves."""

from typing import Any

import pytest

from tests.api import bodies
from tests.api.oauth2.clients import ADMIN, GRANT, METADATA, READER, ask, basic, bearer, refused, token_of
from tests.api.service import SCOPES, SECRET, Api, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def credential(issuer: Api) -> dict[str, str]:
    """An application's client, as it asks for tokens."""
    vendor_id = await issuer.made("/v3/vendors", bodies.vendor())
    made = (await issuer.post("/v3/applications", bodies.application(vendor_id))).json()
    return {"client_id": made["key"], "client_secret": made["secret"]}


async def introspect(api: Api, caller: dict[str, str], token: str, **more: Any) -> Any:
    answer = await ask(api, "introspect", {**caller, "token": token, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def test_an_active_token_is_described_with_numbers(issuer: Api) -> None:
    token = await token_of(issuer, READER)
    found = await introspect(issuer, READER, token)
    assert set(found) == {
        "active", "scope", "client_id", "token_type", "exp", "iat", "sub", "aud", "iss", "jti"
    }  # fmt: skip
    assert found["active"] is True
    assert (found["client_id"], found["scope"], found["token_type"]) == ("reader", SCOPES["reader"], "Bearer")
    assert isinstance(found["iat"], int)
    assert found["exp"] == found["iat"] + 1800


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
async def test_the_caller_must_prove_itself(issuer: Api, endpoint: str) -> None:
    answer = await ask(issuer, endpoint, {"token": await token_of(issuer, READER)})
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    wrong = await ask(issuer, endpoint, {"token": "x"}, headers=basic("reader", SECRET + "x"))
    refused(wrong, 401, "invalid_client")


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
async def test_the_token_is_needed(issuer: Api, endpoint: str) -> None:
    refused(await ask(issuer, endpoint, ADMIN), 400, "invalid_request")


@pytest.mark.parametrize(
    ("caller", "active"),
    [(ADMIN, True), (READER, True), (METADATA, False)],
    ids=["full access", "read-only access", "metadata only"],
)
async def test_clients_of_the_service_that_may_read_see_all_tokens(
    issuer: Api, credential: dict[str, str], caller: dict[str, str], active: bool
) -> None:
    token = await token_of(issuer, credential)
    assert (await introspect(issuer, caller, token))["active"] is active


async def test_a_client_sees_its_own_tokens_and_no_others(issuer: Api, credential: dict[str, str]) -> None:
    assert (await introspect(issuer, credential, await token_of(issuer, credential)))["active"] is True
    assert await introspect(issuer, credential, await token_of(issuer, ADMIN)) == {"active": False}


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 70_000])
async def test_any_other_text_is_not_active(issuer: Api, token: str) -> None:
    assert await introspect(issuer, ADMIN, token) == {"active": False}


async def test_hints_are_accepted_and_change_nothing(issuer: Api) -> None:
    token = await token_of(issuer, READER)
    assert (await introspect(issuer, READER, token, token_type_hint="refresh_token"))["active"] is True
    answer = await ask(issuer, "revoke", {**READER, "token": token, "token_type_hint": "refresh_token"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await introspect(issuer, READER, token))["active"] is False


async def test_a_revoked_token_is_dead_on_all_replicas_at_once(issuer: Api, shared_url: str) -> None:
    async with serving(shared_url) as other:
        token = await token_of(issuer, READER)
        assert (await other.http.get("/v3/vendors", headers=bearer(token))).status_code == 200
        assert (await ask(issuer, "revoke", {**READER, "token": token})).status_code == 200
        for replica in (issuer, other):
            assert (await replica.http.get("/v3/vendors", headers=bearer(token))).status_code == 401


async def test_the_token_of_another_client_is_not_ended(issuer: Api, credential: dict[str, str]) -> None:
    token = await token_of(issuer, ADMIN)
    for caller in (READER, METADATA, credential):
        refused(await ask(issuer, "revoke", {**caller, "token": token}), 400, "unauthorized_client")
    assert (await introspect(issuer, ADMIN, token))["active"] is True


async def test_an_administrator_ends_every_token(issuer: Api, credential: dict[str, str]) -> None:
    token = await token_of(issuer, credential)
    assert (await ask(issuer, "revoke", {**ADMIN, "token": token})).status_code == 200
    assert (await introspect(issuer, credential, token))["active"] is False


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
async def test_revoking_what_does_not_count_is_no_error(issuer: Api, token: str) -> None:
    assert (await ask(issuer, "revoke", {**READER, "token": token})).status_code == 200


async def test_a_client_that_is_bound_to_a_tenant_sees_that_tenants_tokens_alone(service_url: str) -> None:
    import json

    clients = [
        {"id": "root", "secret": SECRET, "display_name": "root", "scopes": [SCOPES["admin"]]},
        {"id": "north", "secret": SECRET, "display_name": "north", "scopes": [SCOPES["reader"]], "tenant": "north"},
    ]
    from tenant_api.connect.bootstrap import bootstrap
    from tenant_api.connect.bound_clients import bind_clients

    settings = {"IDENTITY__CLIENTS": json.dumps(clients), "IDENTITY__TENANT_BOUND_CLIENTS": "true"}
    async with serving(service_url, multi_tenancy=True, **settings) as fleet:
        known = fleet.runtime.settings.identity.clients
        await bind_clients(fleet.runtime, known)
        await bootstrap(fleet.runtime.idp, known)
        seen = {}
        for tenant in ("north", "south"):
            await fleet.post("/v3/tenants", {"name": tenant}, caller="root")
        await bind_clients(fleet.runtime, known)
        for tenant in ("north", "south"):
            vendor_id = await fleet.made("/v3/vendors", bodies.vendor(), caller="root", tenant=tenant)
            made = await fleet.post("/v3/applications", bodies.application(vendor_id), caller="root", tenant=tenant)
            client = {"client_id": made.json()["key"], "client_secret": made.json()["secret"]}
            token = await token_of(fleet, client)
            found = await introspect(fleet, {"client_id": "north", "client_secret": SECRET}, token)
            seen[tenant] = found["active"]
    assert seen == {"north": True, "south": False}


async def test_a_client_that_is_no_longer_approved_has_no_active_tokens_but_can_lose_them(issuer: Api) -> None:
    vendor_id = await issuer.made("/v3/vendors", bodies.vendor())
    made = (await issuer.post("/v3/applications", bodies.application(vendor_id))).json()
    client = {"client_id": made["key"], "client_secret": made["secret"]}
    token = await token_of(issuer, client)
    found = (await issuer.get(f"/v3/apiClients/{made['key']}")).json()
    store_id = await issuer.made("/v3/dataStores", bodies.data_store())
    for approved in (False, True):
        body = bodies.api_client(found["applicationId"], [store_id], id=found["id"], isApproved=approved)
        assert (await issuer.put(f"/v3/apiClients/{found['id']}", body)).status_code == 204
        assert (await introspect(issuer, ADMIN, token))["active"] is approved
    unapproved = bodies.api_client(found["applicationId"], [store_id], id=found["id"], isApproved=False)
    await issuer.put(f"/v3/apiClients/{found['id']}", unapproved)
    assert (await ask(issuer, "revoke", {**ADMIN, "token": token})).status_code == 200
    await issuer.put(f"/v3/apiClients/{found['id']}", {**unapproved, "isApproved": True})
    assert await introspect(issuer, ADMIN, token) == {"active": False}


async def test_a_suspended_tenant_has_no_active_tokens(service_url: str) -> None:
    async with serving(service_url, multi_tenancy=True) as fleet:
        tenant_id = await fleet.made("/v3/tenants", {"name": "north"})
        vendor_id = await fleet.made("/v3/vendors", bodies.vendor(), tenant="north")
        made = (await fleet.post("/v3/applications", bodies.application(vendor_id), tenant="north")).json()
        token = await token_of(fleet, {"client_id": made["key"], "client_secret": made["secret"]})
        assert (await introspect(fleet, ADMIN, token))["active"] is True
        async with fleet.runtime.pool.connection() as connection:
            await connection.execute("update tenants set suspended = true where id = %s", (tenant_id,))
        assert await introspect(fleet, ADMIN, token) == {"active": False}


async def test_grants_and_introspection_say_the_same_of_an_applications_client(
    issuer: Api, credential: dict[str, str]
) -> None:
    answer = (await ask(issuer, "token", {**GRANT, **credential})).json()
    found = await introspect(issuer, credential, answer["access_token"])
    assert (found["scope"], answer["scope"]) == ("SISVendor", "SISVendor")
