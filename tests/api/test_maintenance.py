"""What falls due with time is done part by part: one that fails costs the others nothing."""

import asyncio

import pytest

from tenant_api.service.process import _maintain
from tests.api.credentials.conftest import made
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio


async def kept_answers(api: Api) -> int:
    async with api.runtime.pool.connection() as connection:
        return (await connection.execute("select from api_client_secret_answers")).rowcount


async def test_a_failing_provider_does_not_hold_up_the_rest(service_url: str) -> None:
    async with serving(service_url) as api:
        credential = await made(api)
        answer = await api.post(credential.path, {}, headers={"Idempotency-Key": "a"})
        assert answer.status_code == 201
        async with api.runtime.pool.connection() as connection:
            await connection.execute("update api_client_secret_answers set expires_at = now() - interval '1 s'")
            await connection.execute("alter table idp_keys rename to gone")
        assert await kept_answers(api) == 1
        stop = asyncio.Event()
        maintenance = asyncio.create_task(_maintain(api.runtime, stop))
        async with asyncio.timeout(20):
            while await kept_answers(api) and not maintenance.done():
                await asyncio.sleep(0.05)
        stop.set()
        await maintenance
        assert await kept_answers(api) == 0
