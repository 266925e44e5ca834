"""Whether our own rows forbid a token before an outside provider is asked.

What such a provider knows about a client can be older than our rows: a client that was deleted or lost its
approval here gets no token through this service from then on.
"""

from idp_providers.errors import InvalidClientError
from tenant_api.web.state import Runtime

STANDING = """
SELECT c.is_approved AND NOT t.suspended AS good FROM api_clients c
JOIN applications a ON a.id = c.application_id JOIN vendors v ON v.id = a.vendor_id JOIN tenants t ON t.id = v.tenant_id
WHERE c.client_id = %(key)s
UNION ALL
SELECT EXISTS (SELECT FROM api_clients c WHERE c.client_id = i.client_id) FROM identity_intents i
WHERE i.client_id = %(key)s
"""


async def require_good_standing(runtime: Runtime, client_id: str) -> None:
    """InvalidClientError for an application's client that is not approved or has no row any more.

    Clients that our rows do not know are the provider's to judge. Costs nothing with live claims.
    """
    if runtime.idp.capabilities.live_claims or not (client_id.isascii() and client_id.isprintable()):
        return
    async with runtime.pool.connection() as connection:
        rows = await (await connection.execute(STANDING, {"key": client_id.lower()})).fetchall()
    if not all(row["good"] for row in rows):
        raise InvalidClientError("The client is gone or not approved.")
