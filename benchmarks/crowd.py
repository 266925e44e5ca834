"""A large installation, loaded in bulk: the same rows that the API makes one by one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from benchmarks.service import Service
from idp_providers.contract import ClientSecret
from idp_providers.self_hosted.secrets import SecretHashes
from idp_providers.self_hosted.throttle import Throttle
from tenant_api.kernel.sealing import Sealer
from tenant_api.kernel.secrets import generate_client_secret
from tenant_api.plugins.hosts import IdentityHost
from tenant_api.runtime import installation_of, open_pool

CLAIM_SET = "SISVendor"
CLAIM_SETS = (CLAIM_SET, "AssessmentVendor")
TABLES = ("vendors", "data_stores", "applications", "api_clients", "api_client_data_stores", "idp_clients")

ROWS = (
    """
    INSERT INTO data_stores (tenant_id, data_store_type, name, created_by)
    SELECT 0, 'Production', 'Crowd ' || n, 'crowd' FROM generate_series(1, 20) n
    """,
    """
    INSERT INTO vendors (tenant_id, company, contact_name, contact_email_address, namespace_prefixes, created_by)
    SELECT 0, 'Crowd ' || n, 'Ada', 'ada@bench.example', ARRAY['uri://crowd.example/' || n], 'crowd'
    FROM generate_series(1, 200) n
    """,
    """
    INSERT INTO applications (vendor_id, application_name, claim_set_name, education_organization_ids, created_by)
    SELECT ids[1 + n % cardinality(ids)], 'Crowd ' || lpad(n::text, 7, '0'),
           CASE n % 3 WHEN 0 THEN 'AssessmentVendor' ELSE 'SISVendor' END, ARRAY[255901, 255901000 + n % 1000], 'crowd'
    FROM generate_series(1, {applications}) n, (SELECT array_agg(id) AS ids FROM vendors WHERE created_by = 'crowd') v
    """,
    """
    INSERT INTO api_clients (application_id, name, is_approved, client_id, client_uuid, created_by)
    SELECT id, left(application_name, 50), true, gen_random_uuid(), gen_random_uuid(), 'crowd'
    FROM applications WHERE created_by = 'crowd' ORDER BY id
    """,
    """
    INSERT INTO api_client_data_stores (api_client_id, data_store_id)
    SELECT c.id, ids[1 + c.id % cardinality(ids)]
    FROM api_clients c, (SELECT array_agg(id) AS ids FROM data_stores WHERE created_by = 'crowd') s
    WHERE c.created_by = 'crowd'
    """,
)
KEYS = "SELECT client_id, name FROM api_clients WHERE created_by = 'crowd' ORDER BY id LIMIT %s"
COPY = "COPY idp_clients (client_id, secret, display_name, role, scopes, managed) FROM STDIN"


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Applications in the order of their names, each with one API client that reaches one data store.

    The first of these clients have credentials: key and secret.
    """

    applications: int
    credentials: Sequence[tuple[str, str]] = field(repr=False)


def gather(service: Service, *, applications: int, clients: int) -> Crowd:
    """Fill the default tenant. Secrets are kept as the built-in issuer keeps those that it generates."""
    with psycopg.connect(service.database_url) as connection:
        for statement in ROWS:
            connection.execute(statement.format(applications=applications).encode())
        names: dict[str, str] = dict(connection.execute(KEYS, (clients,)).fetchall())
        secrets = {key: generate_client_secret() for key in names}
        hashes = asyncio.run(_hashed(service, secrets))
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for key, name in names.items():
                copy.write_row((key, hashes[key], name, service.client_role, [CLAIM_SET], True))
    with psycopg.connect(service.superuser_url, autocommit=True) as superuser:
        superuser.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}".encode())
    return Crowd(applications=applications, credentials=list(secrets.items()))


async def _hashed(service: Service, secrets: dict[str, str]) -> dict[str, str]:
    async with open_pool(service.database_url, 1) as pool:
        installation, _ = await installation_of(pool)
        host = IdentityHost(
            installation=installation, pool=pool, sealer=Sealer(service.keys.sealing), pepper=service.keys.pepper
        )
        hashes = SecretHashes(host, Throttle(0))
        try:
            return {key: await hashes.hash(key, ClientSecret(value=value)) for key, value in secrets.items()}
        finally:
            hashes.close()
