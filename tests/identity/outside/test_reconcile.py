"""Clients at the provider are compared with the rows, and repaired where that was asked for and is not too much."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from idp_providers.memory import Fault
from tenant_api.identity import comparison
from tests.api import bodies
from tests.api.problems import breaks_rules, is_problem
from tests.engine.jobs import until
from tests.identity.outside.reconciling import RECONCILE, asked, bend, drift, plant, reconciled, report
from tests.identity.outside.world import Credential, World, outside

pytestmark = pytest.mark.anyio

BATCH = 20
MANY = 28
"""More clients than one batch takes."""


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "BATCH", BATCH)


@pytest.fixture
async def credentials(world: World) -> list[Credential]:
    vendor = await world.vendor()
    return [await world.application(vendor) for _ in range(6)]


async def bend_every_way(world: World, keys: list[str]) -> dict[str, list[str]]:
    """One client in each way, the last one in two; answers what a report should say."""
    missing, foreign, claims, disabled, renamed, twice = keys
    world.provider.uproot(missing)
    plant(world, foreign)
    held = world.at_provider()
    await bend(world, claims, claims=replace(held[claims], namespace_prefixes=("uri://by-hand",)))
    await bend(world, disabled, enabled=False)
    await bend(world, renamed, display_name="by hand")
    await bend(world, twice, enabled=False, claims=replace(held[twice], education_organization_ids=(7,)))
    return {
        "missing": [missing],
        "foreign": [foreign],
        "claimsDiffer": sorted([claims, twice]),
        "enabledDiffers": sorted([disabled, twice]),
        "detailsDiffer": [renamed],
    }


async def test_nothing_differs_and_nothing_is_done(world: World, credentials: list[Credential]) -> None:
    found = await reconciled(world, {"dryRun": False})
    assert drift(found) == {}
    assert (found["compared"], found["drifted"], found["underWay"]) == (len(credentials), 0, 0)
    assert (found["repair"], found["repairJobId"]) == ("NotNeeded", None)
    assert await world.jobs() == []


async def test_every_kind_of_drift_is_reported_and_a_dry_run_changes_nothing(
    world: World, credentials: list[Credential]
) -> None:
    expected = await bend_every_way(world, [credential["key"] for credential in credentials])
    before = world.provider.held
    answer = await asked(world)
    job = await world.ended(answer)
    found = await report(world, answer)
    assert drift(found) == expected
    assert (found["dryRun"], found["drifted"], found["repair"], found["repairJobId"]) == (True, 5, "NotAsked", None)
    assert found["comparedAt"] is not None
    assert job["message"] == (
        "6 clients compared. 5 clients to be repaired. A repair was not asked for. "
        "1 client with ids of ours that this installation did not make, left as they are."
    )
    assert world.provider.held == before
    assert (await world.intents(), await world.jobs()) == ([], [])


async def test_every_kind_of_drift_is_repaired_but_a_foreign_client_is_left_alone(
    world: World, credentials: list[Credential]
) -> None:
    keys = [credential["key"] for credential in credentials]
    expected = await bend_every_way(world, keys)
    found = await reconciled(world, {"dryRun": False})
    assert (drift(found), found["repair"]) == (expected, "Started")
    again = await reconciled(world)
    assert drift(again) == {"foreign": expected["foreign"]}
    assert world.provider.held[keys[1]].display_name == "theirs"
    assert await world.intents() == []
    world.provider.uproot(keys[1])
    assert (await reconciled(world, {"dryRun": False}))["repair"] == "Started"
    await world.assert_agreement()
    assert (await world.api.grant(credentials[2])).status_code == 200  # a repair keeps the secret
    assert (await world.api.grant(credentials[0])).status_code == 401  # but of what was gone, nobody knows it
    renewed = (await world.api.put(f"/v3/apiClients/{await id_of(world, keys[0])}/reset-credential")).json()
    assert (await world.api.grant(renewed)).status_code == 200


async def test_a_proof_by_an_old_key_is_a_difference_that_a_repair_mends(
    world: World, credentials: list[Credential]
) -> None:
    world.provider.rotate_keys()
    found = await reconciled(world, {"dryRun": False})
    assert drift(found) == {"detailsDiffer": sorted(credential["key"] for credential in credentials)}
    assert drift(await reconciled(world)) == {}
    assert (await world.api.grant(credentials[0])).status_code == 200


async def id_of(world: World, key: str) -> int:
    found: dict[str, Any] = (await world.api.get(f"/v3/apiClients/{key}")).json()
    return int(found["id"])


@pytest.mark.parametrize(("limit", "repair"), [(2, "TooMuch"), (3, "Started")])
async def test_more_drift_than_the_limit_changes_nothing(
    world: World, credentials: list[Credential], limit: int, repair: str
) -> None:
    gone = sorted(credential["key"] for credential in credentials[:3])
    for key in gone:
        world.provider.uproot(key)
    answer = await asked(world, {"dryRun": False, "limit": limit})
    job = await world.ended(answer)
    found = await report(world, answer)
    assert (drift(found), found["repair"], found["limit"]) == ({"missing": gone}, repair, limit)
    if repair == "TooMuch":
        assert "That is more than the limit of 2: nothing was changed." in job["message"]
        assert (await world.intents(), await world.jobs()) == ([], [])
        assert not set(gone) & set(world.at_provider())
    else:
        await world.end_of(f"/v3/jobs/{found['repairJobId']}")
        await world.assert_agreement()


async def test_a_limit_is_bounded_by_the_settings(service_url: str) -> None:
    limits = {"RECONCILIATION__MAXIMUM_LIMIT": "20", "RECONCILIATION__DEFAULT_LIMIT": "10"}
    async with outside(service_url, **limits) as world:
        for limit, sentence in (
            (21, "'Limit' must be less than or equal to '20'."),
            (0, "'Limit' must be greater than '0'."),
        ):
            answer = await world.api.post(RECONCILE, {"limit": limit})
            breaks_rules(answer, {"Limit": [sentence]})
        assert (await report(world, await asked(world)))["limit"] == 10


async def test_a_change_that_is_on_its_way_is_no_drift(world: World, credentials: list[Credential]) -> None:
    first, *others = sorted(credential["key"] for credential in credentials)
    application = next(credential["id"] for credential in credentials if credential["key"] == first)
    vendor = (await world.api.get(f"/v3/applications/{application}")).json()["vendorId"]
    changed = await world.api.put(f"/v3/vendors/{vendor}", bodies.vendor(id=vendor, namespacePrefixes="uri://new"))
    await world.rows("DELETE FROM identity_intents WHERE client_id <> %s RETURNING 1", first)
    world.provider.faults.forget()
    answer = await asked(world)
    await world.rows(
        "UPDATE operations SET run_after = now() + interval '1 h' WHERE kind = 'identity.sync' RETURNING 1"
    )
    await world.ended(answer)
    found = await report(world, answer)
    assert (drift(found), found["underWay"]) == ({"claimsDiffer": others}, 1)
    assert (await world.job(changed))["status"] == "Pending"


async def test_two_at_once_are_one(world: World, credentials: list[Credential]) -> None:
    world.provider.uproot(credentials[0]["key"])
    answers = await asyncio.gather(*(world.api.post(RECONCILE, {"dryRun": False}) for _ in range(5)))
    [accepted] = [answer for answer in answers if answer.status_code == 202]
    job_id = accepted.json()["jobId"]
    for refused in (answer for answer in answers if answer is not accepted):
        sentence = f"Job {job_id} compares the clients of this tenant and has not ended."
        is_problem(refused, 409, "conflict", sentence)
    await world.ended(accepted)
    assert (await reconciled(world))["drifted"] == 0
    await world.assert_agreement()


@pytest.mark.usefixtures("small_batches")
async def test_a_provider_that_is_away_in_the_middle_delays_and_nothing_is_compared_twice(world: World) -> None:
    vendor = await world.vendor()
    keys = sorted([(await world.application(vendor))["key"] for _ in range(MANY)])
    world.provider.uproot(keys[3])
    world.provider.uproot(keys[-3])
    answers: list[Any] = [None] * (BATCH // 2)
    world.fail("find_client", *answers, *[Fault.REFUSED] * 20)
    answer = await asked(world, {"dryRun": False})
    assert (await world.ended(answer))["status"] == "Completed"
    found = await report(world, answer)
    assert drift(found) == {"missing": [keys[3], keys[-3]]}
    assert (found["compared"], found["repair"]) == (MANY, "Started")
    await world.end_of(f"/v3/jobs/{found['repairJobId']}")
    await world.assert_agreement()


@pytest.mark.usefixtures("small_batches")
async def test_another_worker_goes_on_where_one_stopped(world: World) -> None:
    vendor = await world.vendor()
    keys = sorted([(await world.application(vendor))["key"] for _ in range(MANY)])
    world.provider.uproot(keys[0])
    answers: list[Any] = [None] * BATCH
    world.fail("find_client", *answers, *[Fault.HANGING] * (MANY - BATCH))
    answer = await asked(world)

    async def hangs_in_the_middle() -> bool:
        compared = (await report(world, answer))["compared"]
        return bool(compared == BATCH and world.provider.faults.planned == 0)

    async with world.working():
        await until(hangs_in_the_middle)
        world.provider.faults.release()
        world.fail("find_client", *[Fault.REFUSED] * 1000)
    assert (await world.job(answer))["status"] == "InProgress"
    world.provider.faults.forget()
    world.provider.uproot(keys[1])  # compared by now
    world.provider.uproot(keys[-1])
    assert (await world.ended(answer))["status"] == "Completed"
    found = await report(world, answer)
    assert (drift(found), found["compared"]) == ({"missing": [keys[0], keys[-1]]}, MANY)


async def test_a_comparison_that_waits_for_the_provider_can_be_called_off(
    world: World, credentials: list[Credential]
) -> None:
    world.fail("find_client", *[Fault.REFUSED] * 1000)
    answer = await asked(world, {"dryRun": False})

    async def is_waiting() -> bool:
        return "The provider refused the call" in ((await world.job(answer))["message"] or "")

    async with world.working():
        await until(is_waiting)
        assert (await world.api.post(f"/v3/jobs/{answer.json()['jobId']}/cancel")).status_code == 202
    assert (await world.ended(answer))["status"] == "Cancelled"
    found = await report(world, answer)
    assert (found["comparedAt"], found["repair"]) == (None, None)
    world.provider.faults.forget()
    assert (await reconciled(world))["compared"] == len(credentials)


async def test_a_comparison_whose_time_is_up_says_how_far_it_came(world: World) -> None:
    vendor = await world.vendor()
    for _ in range(9):
        await world.application(vendor)
    answers: list[Any] = [None] * 8
    world.fail("find_client", *answers, *[Fault.REFUSED] * 1000)
    answer = await asked(world)

    async def is_stuck() -> bool:
        return bool((await report(world, answer))["compared"] == 8)

    async with world.working():
        await until(is_stuck)
        await world.rows("UPDATE operations SET deadline = now() RETURNING 1")
    job = await world.ended(answer)
    assert job["errorMessage"] == "The operation ran out of time. 8 clients were compared."
    world.provider.faults.forget()
    assert (await world.api.post(f"/v3/jobs/{job['id']}/retry")).status_code == 202
    assert (await world.ended(answer))["status"] == "Completed"
    assert (await report(world, answer))["compared"] == 9


async def test_the_newest_comparisons_are_kept(world: World) -> None:
    answers = [await asked(world)]
    await world.ended(answers[0])
    for _ in range(11):
        answers.append(await asked(world))
        await world.ended(answers[-1])
    assert [(await world.api.get(answer.headers["location"])).status_code for answer in answers] == [404] + [200] * 11
    assert len(await world.rows("SELECT 1 FROM identity_reconciliations")) == 11


async def test_what_differed_is_in_metrics_and_a_remark_without_names(
    world: World, credentials: list[Credential]
) -> None:
    assert "tenant_api_identity_compared_timestamp_seconds 0.0" in (await world.api.http.get("/metrics")).text
    await bend_every_way(world, [credential["key"] for credential in credentials])
    await reconciled(world)
    metrics = (await world.api.http.get("/metrics")).text
    for kind, count in (("missing", 1), ("foreign", 1), ("claimsDiffer", 2), ("enabledDiffers", 2)):
        assert f'tenant_api_identity_drift{{kind="{kind}"}} {count}.0' in metrics
    assert "tenant_api_identity_compared_timestamp_seconds 0.0" not in metrics
    ready = await world.api.http.get("/health/ready")
    check = ready.json()["checks"]["identityProvider"]
    assert (ready.status_code, check["ok"]) == (200, True)
    assert check["why"] == "6 clients differed from the rows at the last comparison."
    await reconciled(world, {"dryRun": False})
    why = (await world.api.http.get("/health/ready")).json()["checks"]["identityProvider"]["why"]
    assert why == "1 clients differed from the rows at the last comparison."


async def test_a_tenant_compares_and_reads_its_own_alone(fleet: World) -> None:
    api = fleet.api
    names = [bodies.tenant()["name"] for _ in range(2)]
    keys = []
    for name in names:
        await api.made("/v3/tenants", {"name": name})
        vendor = await api.made("/v3/vendors", bodies.vendor(), tenant=name)
        made = await api.post("/v3/applications", bodies.application(vendor), tenant=name)
        keys.append(made.json()["key"])
    for key in keys:
        fleet.provider.uproot(key)
    answer = await api.post(RECONCILE, {"dryRun": False}, tenant=names[0])
    assert answer.status_code == 202, answer.text

    async def is_done() -> bool:
        return bool((await api.get(answer.headers["location"], tenant=names[0])).json()["repair"] == "Started")

    async with fleet.working():
        await until(is_done)
    await fleet.brought_in_line()
    assert drift((await api.get(answer.headers["location"], tenant=names[0])).json()) == {"missing": [keys[0]]}
    assert set(fleet.at_provider()) == {keys[0]}
    assert (await api.get(answer.headers["location"], tenant=names[1])).status_code == 404
    assert (await api.post(RECONCILE)).status_code == 400


async def test_only_administrators_begin_a_comparison(world: World) -> None:
    assert (await world.api.post(RECONCILE, caller=None)).status_code == 401
    assert (await world.api.post(RECONCILE, caller="reader")).status_code == 403
    location = (await asked(world)).headers["location"]
    assert (await world.api.get(location, caller="reader")).status_code == 200
    assert (await world.api.get(location, caller="metadata")).status_code == 403


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("6fc2ba53-6326-47a6-99c1-ac58743bab8c", 404, "not-found"), ("1", 400, "bad-request:parameter")],
    ids=["unknown", "malformed"],
)
async def test_a_report_that_is_not_there(world: World, path: str, status: int, code: str) -> None:
    is_problem(await world.api.get(f"/v3/identity/reconciliations/{path}"), status, code)


@pytest.mark.parametrize("body", [{"dryRun": "yes"}, {"dryRun": None}, {"limit": "many"}, [], "x"], ids=str)
async def test_a_body_that_makes_no_sense_changes_nothing(world: World, body: Any) -> None:
    answer = await world.api.post(RECONCILE, body)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (400, "data")
    assert await world.rows("SELECT 1 FROM identity_reconciliations") == []
