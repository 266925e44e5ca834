"""An API client may have several secrets, with names, terms and dates of use."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idp_providers.secret_keeping import MOST_SECRETS
from tests.api.credentials.conftest import made
from tests.api.credentials.world import Credential, rotated
from tests.api.problems import is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

MEMBERS = ["id", "label", "createdAt", "notBefore", "expiresAt", "lastUsedAt"]


def ahead(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


async def test_a_new_secret_is_shown_once_and_the_old_one_stays(shared: Api, credential: Credential) -> None:
    answer = await shared.post(credential.path, {"label": "autumn", "expiresAt": ahead(3600)})
    assert answer.status_code == 201
    new = answer.json()
    assert list(new) == ["id", "label", "createdAt", "notBefore", "expiresAt", "key", "secret"]
    assert (new["label"], new["key"], len(new["secret"])) == ("autumn", credential.key, 32)
    assert answer.headers["location"] == f"http://tenant-api.test{credential.path}/{new['id']}"
    assert answer.headers["cache-control"] == "no-store"
    listed = (await shared.get(credential.path)).json()
    assert [list(secret) for secret in listed] == [MEMBERS, MEMBERS]
    assert [secret["label"] for secret in listed] == ["autumn", ""]
    assert new["secret"] not in str(listed)
    assert await credential.works(shared)
    assert await credential.works(shared, new["secret"])


async def test_a_rotation_ends_the_others_after_the_overlap(shared: Api, credential: Credential) -> None:
    began = time.monotonic()
    new = await rotated(shared, credential, overlapSeconds=1)
    assert await credential.works(shared) or time.monotonic() - began >= 1
    deadline = time.monotonic() + 10
    while await credential.works(shared):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert await credential.works(shared, new["secret"])


async def test_a_rotation_without_overlap_ends_the_others_at_once(shared: Api, credential: Credential) -> None:
    new = await rotated(shared, credential, overlapSeconds=0)
    assert not await credential.works(shared)
    assert await credential.works(shared, new["secret"])


async def test_a_secret_counts_between_its_dates(shared: Api, credential: Credential) -> None:
    later = await rotated(shared, credential, notBefore=ahead(3600))
    assert not await credential.works(shared, later["secret"])
    brief = await rotated(shared, credential, expiresAt=ahead(3600))
    assert await credential.works(shared, brief["secret"])
    async with shared.runtime.pool.connection() as connection:
        await connection.execute(
            "update idp_client_secrets set expires_at = expires_at - interval '3599 seconds' where id = %s",
            (brief["id"],),
        )
    deadline = time.monotonic() + 10
    while await credential.works(shared, brief["secret"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def test_the_overlap_begins_with_the_new_secret(shared: Api, credential: Credential) -> None:
    begins = ahead(3600)
    await rotated(shared, credential, notBefore=begins, overlapSeconds=0)
    assert await credential.works(shared)
    old = (await shared.get(credential.path)).json()[1]
    assert old["expiresAt"][:19] == begins[:19]


async def test_a_secret_is_ended_on_its_own(shared: Api, credential: Credential) -> None:
    new = await rotated(shared, credential)
    assert (await shared.delete(f"{credential.path}/{new['id']}")).status_code == 204
    assert not await credential.works(shared, new["secret"])
    assert await credential.works(shared)
    for gone in (new["id"], "nothing", "00000000-0000-0000-0000-000000000000"):
        answer = await shared.delete(f"{credential.path}/{gone}")
        is_problem(answer, 404, "not-found")


async def test_a_reset_ends_all_secrets_at_once(shared: Api, credential: Credential) -> None:
    new = await rotated(shared, credential)
    reset = (await shared.put(f"/v3/apiClients/{credential.id}/reset-credential")).json()
    assert not await credential.works(shared)
    assert not await credential.works(shared, new["secret"])
    assert await credential.works(shared, reset["secret"])
    assert len((await shared.get(credential.path)).json()) == 1


async def test_the_last_use_shows_which_secret_is_still_used(service_url: str) -> None:
    async with serving(service_url, IDP__SETTINGS__SECRET_USE_DELAY_SECONDS="1") as api:
        credential = await made(api)
        await rotated(api, credential)
        started = datetime.now(UTC)
        assert await credential.works(api)
        proven = datetime.now(UTC)
        deadline = time.monotonic() + 10
        while True:
            new, old = (await api.get(credential.path)).json()
            if old["lastUsedAt"]:
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert new["lastUsedAt"] is None
        assert started <= datetime.fromisoformat(old["lastUsedAt"]) <= proven


async def test_there_is_a_limit(shared: Api, credential: Credential) -> None:
    for _ in range(MOST_SECRETS - 1):
        await rotated(shared, credential)
    is_problem(await shared.post(credential.path, {}), 409, "conflict")
    assert await credential.works(shared)
    assert len((await shared.get(credential.path)).json()) == MOST_SECRETS
    # A rotation ends the others at once, and so makes room for itself.
    new = await rotated(shared, credential, overlapSeconds=0)
    assert await credential.works(shared, new["secret"])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a long label": ({"label": "x" * 101}, "Label"),
    "no time": ({"expiresAt": "tomorrow"}, "ExpiresAt"),
    "a time without an offset": ({"expiresAt": "2030-01-01T00:00:00"}, "ExpiresAt"),
    "a number for a time": ({"expiresAt": "1893456000"}, "ExpiresAt"),
    "a time of no calendar": ({"notBefore": "2030-02-31T00:00:00Z"}, "NotBefore"),
    "an end in the past": ({"expiresAt": "2020-01-01T00:00:00Z"}, "ExpiresAt"),
    "an end before its beginning": (
        {"notBefore": "2031-01-01T00:00:00Z", "expiresAt": "2030-01-01T00:00:00Z"},
        "ExpiresAt",
    ),
    "a negative overlap": ({"overlapSeconds": -1}, "OverlapSeconds"),
    "an endless overlap": ({"overlapSeconds": 2592001}, "OverlapSeconds"),
    "text that cannot be stored": ({"label": "a\0b"}, "Label"),
}


@pytest.mark.parametrize(("body", "member"), BAD.values(), ids=BAD.keys())
async def test_wrong_terms_are_named_and_change_nothing(
    shared: Api, credential: Credential, body: dict[str, Any], member: str
) -> None:
    answer = await shared.post(credential.path, body)
    is_problem(answer, 400, "bad-request:data")
    assert list(answer.json()["validationErrors"]) == [member]
    assert len((await shared.get(credential.path)).json()) == 1


async def test_only_administrators_change_and_readers_may_look(shared: Api, credential: Credential) -> None:
    assert (await shared.get(credential.path, caller="reader")).status_code == 200
    for caller, status in ((None, 401), ("metadata", 403)):
        assert (await shared.get(credential.path, caller=caller)).status_code == status
    for caller, status in ((None, 401), ("reader", 403)):
        assert (await shared.post(credential.path, {}, caller=caller)).status_code == status
        assert (await shared.delete(f"{credential.path}/x", caller=caller)).status_code == status


async def test_an_unknown_or_another_tenants_client_is_not_there(fleet: Api) -> None:
    for name in ("north", "south"):
        await fleet.post("/v3/tenants", {"name": name})
    from tests.api import bodies

    vendor_id = await fleet.made("/v3/vendors", bodies.vendor(), tenant="north")
    application = await fleet.post("/v3/applications", bodies.application(vendor_id), tenant="north")
    found = (await fleet.get(f"/v3/apiClients/{application.json()['key']}", tenant="north")).json()
    path = f"/v3/apiClients/{found['id']}"
    assert (await fleet.get(f"{path}/secrets", tenant="north")).status_code == 200
    for method, place, body in (
        ("GET", f"{path}/secrets", None),
        ("POST", f"{path}/secrets", {}),
        ("DELETE", f"{path}/secrets/x", None),
        ("GET", f"{path}/keys", None),
        ("PUT", f"{path}/keys", {"keys": []}),
        ("DELETE", f"{path}/keys", None),
    ):
        is_problem(await fleet.call(method, place, body, tenant="south"), 404, "not-found")
        missing = place.replace(str(found["id"]), "999999")
        is_problem(await fleet.call(method, missing, body, tenant="north"), 404, "not-found")


async def test_secrets_have_a_greatest_age_if_wanted(service_url: str) -> None:
    async with serving(service_url, IDP__SETTINGS__SECRET_MAXIMUM_AGE_DAYS="30") as api:
        credential = await made(api)
        new = await rotated(api, credential, expiresAt="2099-01-01T00:00:00Z")
        ends = datetime.fromisoformat(new["expiresAt"]) - datetime.fromisoformat(new["createdAt"])
        assert ends == timedelta(days=30)
        async with api.runtime.pool.connection() as connection:
            await connection.execute(
                "update idp_client_secrets set created_at = now() - interval '31 days' where client_id = %s",
                (credential.key,),
            )
        assert not await credential.works(api)
        assert not await credential.works(api, new["secret"])
        assert await api.token("reader"), "chosen secrets of the service's own clients do not age"


async def test_a_provider_that_keeps_one_secret_says_so(service_url: str) -> None:
    async with serving(service_url, IDP__NAME="memory") as api:
        from tenant_api.connect.bootstrap import bootstrap

        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        credential = await made(api)
        calls: list[tuple[str, str, Any]] = [
            ("GET", credential.path, None),
            ("POST", credential.path, {}),
            ("DELETE", f"{credential.path}/x", None),
            ("GET", f"/v3/apiClients/{credential.id}/keys", None),
            ("PUT", f"/v3/apiClients/{credential.id}/keys", {"keys": []}),
        ]
        for method, path, body in calls:
            answer = await api.call(method, path, body)
            is_problem(answer, 400, "bad-request:unsupported")
            assert "'memory' keeps" in answer.json()["detail"]
        assert await credential.works(api)


@pytest.mark.parametrize(
    ("endpoint", "more", "status"),
    [("token", {"grant_type": "client_credentials", "scope": "nothing"}, 400), ("introspect", {"token": "x"}, 200)],
    ids=["a scope that is not held", "introspection"],
)
async def test_a_proof_is_a_use_whatever_is_answered(
    shared: Api, credential: Credential, endpoint: str, more: dict[str, str], status: int
) -> None:
    form = {"client_id": credential.key, "client_secret": credential.secret, **more}
    assert (await shared.http.post(f"/oauth2/{endpoint}", data=form)).status_code == status
    await shared.runtime.idp.maintain()
    [secret] = (await shared.get(credential.path)).json()
    assert secret["lastUsedAt"] is not None
