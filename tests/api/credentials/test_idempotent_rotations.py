"""A rotation that is repeated under the same `Idempotency-Key` happens once."""

import asyncio
from typing import Any

import pytest

from tests.api.credentials.conftest import made
from tests.api.credentials.world import Credential
from tests.api.problems import is_problem
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio


async def rotate(api: Api, credential: Credential, key: str, **body: Any) -> Any:
    return await api.post(credential.path, body, headers={"Idempotency-Key": key})


async def secrets_of(api: Api, credential: Credential) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await api.get(credential.path)).json()
    return listed


async def test_the_same_request_gets_the_same_answer(shared: Api, credential: Credential) -> None:
    first = await rotate(shared, credential, "a", label="autumn", overlapSeconds=60)
    again = await rotate(shared, credential, "a", overlapSeconds="60", label="autumn")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert len(await secrets_of(shared, credential)) == 2
    assert await credential.works(shared, again.json()["secret"])


async def test_requests_at_the_same_time_make_one_secret(shared: Api, credential: Credential) -> None:
    answers = await asyncio.gather(*(rotate(shared, credential, "b") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["secret"] for answer in answers}) == 1
    assert len(await secrets_of(shared, credential)) == 2


async def test_another_body_under_the_same_key_is_refused(shared: Api, credential: Credential) -> None:
    await rotate(shared, credential, "c", label="one")
    is_problem(await rotate(shared, credential, "c", label="two"), 409, "conflict")
    assert len(await secrets_of(shared, credential)) == 2


async def test_a_key_belongs_to_one_client(shared: Api, credential: Credential) -> None:
    other = await made(shared)
    first, second = await rotate(shared, credential, "d"), await rotate(shared, other, "d")
    assert first.json()["secret"] != second.json()["secret"]


async def test_a_refusal_is_not_kept(shared: Api, credential: Credential) -> None:
    is_problem(await rotate(shared, credential, "e", expiresAt="2020-01-01T00:00:00Z"), 400, "bad-request:data")
    assert (await rotate(shared, credential, "e")).status_code == 201


@pytest.mark.parametrize("end", ["removal", "rotation", "reset"])
async def test_a_secret_that_has_ended_is_not_answered_again(shared: Api, credential: Credential, end: str) -> None:
    made = (await rotate(shared, credential, "g")).json()
    match end:
        case "removal":
            ended = await shared.delete(f"{credential.path}/{made['id']}")
        case "rotation":
            ended = await rotate(shared, credential, "h", overlapSeconds=0)
        case _:
            ended = await shared.put(f"/v3/apiClients/{credential.id}/reset-credential")
    assert ended.status_code in {200, 201, 204}, ended.text
    is_problem(await rotate(shared, credential, "g"), 409, "conflict")
    assert not await credential.works(shared, made["secret"])


async def test_an_answer_whose_key_is_gone_is_a_conflict(shared: Api, credential: Credential) -> None:
    await rotate(shared, credential, "i")
    async with shared.runtime.pool.connection() as connection:
        await connection.execute(
            "update api_client_secret_answers set answer_sealed = replace(answer_sealed, 'v1.k1.', 'v1.k0.')"
            " where api_client_id = %s",
            (credential.id,),
        )
    is_problem(await rotate(shared, credential, "i"), 409, "conflict")
    assert len(await secrets_of(shared, credential)) == 2
    assert (await rotate(shared, credential, "j")).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "\t"], ids=["empty", "long", "control"])
async def test_a_malformed_key_is_refused(shared: Api, credential: Credential, key: str) -> None:
    is_problem(await rotate(shared, credential, key), 400, "bad-request:parameter")


async def test_answers_are_sealed_and_erased_after_a_day(service_url: str) -> None:
    from tenant_api.credentials.repository import forget_answers

    async with serving(service_url) as api:
        credential = await made(api)
        first = (await rotate(api, credential, "f")).json()
        async with api.runtime.pool.connection() as connection:
            rows = await (await connection.execute("select a::text from api_client_secret_answers a")).fetchall()
            assert len(rows) == 1
            assert first["secret"] not in str(rows)
            await forget_answers(api.runtime.pool)
            assert (await rotate(api, credential, "f")).json() == first
            await connection.execute("update api_client_secret_answers set expires_at = now()")
            second = (await rotate(api, credential, "f")).json()
            assert second["secret"] != first["secret"]
            await connection.execute("update api_client_secret_answers set expires_at = now()")
            await forget_answers(api.runtime.pool)
            assert not (await connection.execute("select from api_client_secret_answers")).rowcount
