"""The baseline of applications and of authorization metadata: the statements of the service, written by hand."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from benchmarks.bare_pool import Pool
from tenant_api.claim_sets.memory import VERSIONS
from tenant_api.plugins.claims import CLAIMS

OVERVIEWS = """
SELECT a.id, a.application_name, a.vendor_id, a.claim_set_name, a.education_organization_ids,
       ARRAY(SELECT DISTINCT s.data_store_id FROM api_client_data_stores s
             JOIN api_clients c ON c.id = s.api_client_id WHERE c.application_id = a.id ORDER BY 1) AS data_store_ids,
       ARRAY(SELECT p.profile_id FROM application_profiles p WHERE p.application_id = a.id ORDER BY 1) AS profile_ids,
       (SELECT coalesce(bool_and(c.is_approved), true) FROM api_clients c WHERE c.application_id = a.id) AS enabled
FROM applications a JOIN vendors v ON v.id = a.vendor_id
"""
FIRST = f"{OVERVIEWS} WHERE v.tenant_id = 0 ORDER BY a.application_name, a.id LIMIT %(limit)s"
AFTER = f"""{OVERVIEWS}
WHERE v.tenant_id = 0 AND a.application_name >= %(name)s AND (a.application_name > %(name)s OR a.id > %(key)s)
ORDER BY a.application_name, a.id LIMIT %(limit)s
"""
SKIPPING = f"""{OVERVIEWS}
WHERE v.tenant_id = 0 AND a.id IN (
    SELECT a.id FROM applications a JOIN vendors v ON v.id = a.vendor_id
    WHERE v.tenant_id = 0 ORDER BY a.application_name, a.id LIMIT %(limit)s OFFSET %(offset)s
)
ORDER BY a.application_name, a.id LIMIT %(limit)s
"""
COUNT = """
SELECT count(*) FROM (
    SELECT a.id FROM applications a JOIN vendors v ON v.id = a.vendor_id WHERE v.tenant_id = 0
) AS counted
"""
HOLD_VENDOR = "SELECT id FROM vendors WHERE id = %s AND tenant_id = 0 FOR KEY SHARE"
NEW_APPLICATION = """
INSERT INTO applications (vendor_id, application_name, claim_set_name, education_organization_ids, created_by)
VALUES (%s, %s, %s, %s, 'bare') RETURNING id
"""
NEW_API_CLIENT = """
INSERT INTO api_clients (application_id, name, is_approved, client_id, client_uuid, created_by)
VALUES (%s, %s, true, %s, %s, 'bare')
"""
NEW_CLIENT = """
INSERT INTO idp_clients (client_id, secret, display_name, role, scopes, managed, enabled)
VALUES (%s, %s, %s, 'bare', %s, true, true)
"""


@dataclass
class NewApplication:
    """The body of a POST, with its names as on the wire."""

    applicationName: str  # noqa: N815 - see above
    vendorId: int  # noqa: N815 - see above
    claimSetName: str  # noqa: N815 - see above
    educationOrganizationIds: list[int]  # noqa: N815 - see above


def routes(pool: Pool, document: Path) -> list[ControllerRouterHandler]:
    """Four kinds of pages, a new application, and a document out of memory after a look at its version."""
    body = document.read_bytes()
    etag = f'"{sha256(body).hexdigest()[:32]}"'

    @get("/applications")
    async def first(limit: int) -> list[dict[str, Any]]:
        return await page(FIRST, {"limit": limit + 1})

    @get("/applications/after")
    async def after(limit: int, name: str, key: int) -> list[dict[str, Any]]:
        return await page(AFTER, {"limit": limit + 1, "name": name, "key": key})

    @get("/applications/skipping")
    async def skipping(limit: int, offset: int) -> list[dict[str, Any]]:
        return await page(SKIPPING, {"limit": limit + 1, "offset": offset})

    @get("/applications/counted")
    async def counted(limit: int) -> Response[list[dict[str, Any]]]:
        async with pool.connection() as connection:
            row = await (await connection.execute(COUNT)).fetchone()
            rows = await (await connection.execute(FIRST.encode(), {"limit": limit + 1})).fetchall()
        assert row is not None
        return Response([_shown(row) for row in rows[:limit]], headers={"Total-Count": str(row["count"])})

    @post("/applications")
    async def create(data: NewApplication) -> dict[str, Any]:
        key, secret = str(uuid.uuid4()), uuid.uuid4().hex
        hashed = sha256(secret.encode()).hexdigest()
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(HOLD_VENDOR, (data.vendorId,))
            values = (data.vendorId, data.applicationName, data.claimSetName, data.educationOrganizationIds)
            row = await (await connection.execute(NEW_APPLICATION, values)).fetchone()
            assert row is not None
            await connection.execute(NEW_API_CLIENT, (row["id"], data.applicationName, key, uuid.uuid4()))
            await (await connection.execute(CLAIMS, ([key],))).fetchone()
            async with connection.transaction():
                await connection.execute(NEW_CLIENT, (key, hashed, data.applicationName, [data.claimSetName]))
        return {"id": row["id"], "key": key, "secret": secret}

    @get("/metadata")
    async def metadata(request: Request[Any, Any, Any]) -> Response[bytes]:
        async with pool.connection() as connection:
            await (await connection.execute(VERSIONS.encode(), ([0],))).fetchall()
        if request.headers.get("if-none-match") == etag:
            return Response(b"", status_code=304, headers={"ETag": etag})
        return Response(body, headers={"ETag": etag}, media_type="application/json")

    async def page(statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with pool.connection() as connection:
            rows = await (await connection.execute(statement.encode(), values)).fetchall()
        return [_shown(row) for row in rows[: values["limit"] - 1]]

    return [first, after, skipping, counted, create, metadata]


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "applicationName": row["application_name"],
        "vendorId": row["vendor_id"],
        "claimSetName": row["claim_set_name"],
        "educationOrganizationIds": row["education_organization_ids"],
        "dataStoreIds": row["data_store_ids"],
        "profileIds": row["profile_ids"],
        "enabled": row["enabled"],
    }
