"""The baseline of tokens: the look-ups of the service one by one, a keyed hash and a signature."""

import hmac
import time
from typing import Annotated, Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import RSAKey
from litestar import post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.types import ControllerRouterHandler

from benchmarks.bare_pool import Pool
from idp_providers.self_hosted.client_secrets import LIVE
from tenant_api.plugins.claims import CLAIMS

CLIENT = f"""
SELECT asked, client_id, display_name, role, scopes, managed, enabled, coalesce(keys, '[]') AS keys,
       (SELECT kid FROM idp_keys WHERE state = 'active') AS signing_kid,
       (SELECT coalesce(json_agg(json_build_array(secret.id, secret.hash)), '[]')
        FROM idp_client_secrets AS secret WHERE secret.client_id = client.client_id AND {LIVE}) AS secrets
FROM unnest(%(asked)s::text[]) AS asked
JOIN idp_clients AS client ON lower(client_id) = lower(asked) AND client_id = asked
"""
KEY_BITS = 2048
LIFETIME_SECONDS = 1800

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def routes(pool: Pool) -> list[ControllerRouterHandler]:
    """One route. Whose secret it is does not matter here: hashing it costs the same."""
    key = RSAKey.generate_key(KEY_BITS)
    header = {"alg": "RS256", "kid": key.thumbprint(), "typ": "JWT"}

    @post("/token", status_code=200)
    async def token(data: Form) -> dict[str, Any]:
        client_id = data["client_id"]
        async with pool.connection() as connection:
            asked = {"asked": [client_id], "maximum_age": None}
            client = await (await connection.execute(CLIENT.encode(), asked)).fetchone()
            claims = await (await connection.execute(CLAIMS, ([client_id],))).fetchone()
        assert client is not None
        assert claims is not None
        [(_, hashed)] = client["secrets"]
        hmac.compare_digest(hashed, hmac.digest(b"pepper", data["client_secret"].encode(), "sha256").hex())
        now = int(time.time())
        payload = {
            "iss": "http://127.0.0.1",
            "sub": client_id,
            "client_id": client_id,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "scope": claims["claim_set_name"],
            "namespacePrefixes": ",".join(claims["namespace_prefixes"]),
            "educationOrganizationIds": ",".join(map(str, claims["education_organization_ids"])),
            "dataStoreIds": ",".join(map(str, claims["data_store_ids"])),
        }
        signed = jwt.encode(header, payload, key, algorithms=["RS256"])
        return {"access_token": signed, "token_type": "bearer", "expires_in": LIFETIME_SECONDS}

    return [token]
