"""A page of a long list costs the same wherever it begins, in every order: the database visits few rows for it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tenant_api.api_clients.repository import API_CLIENT_LISTS, ApiClientRepository
from tenant_api.applications.repository import APPLICATION_LISTS, ApplicationRepository
from tenant_api.data_store_contexts.repository import CONTEXT_LISTS, DataStoreContextRepository
from tenant_api.data_store_derivatives.repository import DERIVATIVE_LISTS, DataStoreDerivativeRepository
from tenant_api.data_stores.repository import DATA_STORE_LISTS, DataStoreRepository
from tenant_api.db.listing import ListQuery
from tenant_api.db.session import create_engine, session_factory
from tenant_api.embedded import ServerAddress
from tenant_api.operations.repository import JOB_LISTS, OperationRepository
from tenant_api.profiles.repository import PROFILE_LISTS, ProfileRepository
from tenant_api.vendors.repository import VENDOR_LISTS, VendorRepository
from tests import database

pytestmark = pytest.mark.anyio

ROWS = 20_000
DEEP = 15_000
LIMIT = 25
FEW = 12_000
"""Besides a page, links and tenants of its rows are visited, and at most the rows with one or two equal values.

Without the index ranges it is more than all rows."""
LISTS: dict[str, tuple[Any, Any]] = {
    "vendors": (VendorRepository, VENDOR_LISTS),
    "applications": (ApplicationRepository, APPLICATION_LISTS),
    "apiClients": (ApiClientRepository, API_CLIENT_LISTS),
    "dataStores": (DataStoreRepository, DATA_STORE_LISTS),
    "contexts": (DataStoreContextRepository, CONTEXT_LISTS),
    "derivatives": (DataStoreDerivativeRepository, DERIVATIVE_LISTS),
    "profiles": (ProfileRepository, PROFILE_LISTS),
    "jobs": (OperationRepository, JOB_LISTS),
}
ORDERS = [(name, order) for name, (_, rules) in LISTS.items() for order in rules.order_by]
LONG = f"""
INSERT INTO vendors (tenant_id, company, contact_name, contact_email_address, created_by)
SELECT 0, 'c' || n, CASE WHEN n % 3 > 0 THEN 'c' || n % 50 END, CASE WHEN n % 3 > 0 THEN n || '@x' END, 'x'
FROM generate_series(1, {ROWS}) n;
INSERT INTO applications (vendor_id, application_name, claim_set_name, created_by)
SELECT (SELECT min(id) FROM vendors) + n % 20, 'a' || n, 's' || n % 3, 'x' FROM generate_series(1, {ROWS}) n;
INSERT INTO api_clients (application_id, name, is_approved, client_id, client_uuid, created_by)
SELECT id, 'k' || id % 50, true, gen_random_uuid(), gen_random_uuid(), 'x' FROM applications;
INSERT INTO data_stores (tenant_id, data_store_type, name, created_by)
SELECT 0, CASE WHEN n % 4 > 0 THEN 't' || n % 4 END, 'd' || n, 'x' FROM generate_series(1, {ROWS}) n;
INSERT INTO data_store_contexts (data_store_id, context_key, context_value, created_by)
SELECT id, 'schoolYear', 2000 + id % 30, 'x' FROM data_stores;
INSERT INTO data_store_derivatives (data_store_id, derivative_type, created_by)
SELECT id, 'Snapshot', 'x' FROM data_stores;
INSERT INTO profiles (tenant_id, name, definition, created_by)
SELECT 0, 'p' || n, repeat('x', 500), 'x' FROM generate_series(1, {ROWS}) n;
INSERT INTO operations (id, tenant_id, kind, target, state, deadline, finished_at, max_attempts, created_by)
SELECT gen_random_uuid(), 0, 'k' || n % 2, '/' || n, 'succeeded', now(), now(), 5, 'x'
FROM generate_series(1, {ROWS}) n;
"""


@pytest.fixture(scope="module")
def long_url(server: ServerAddress, migrated_template: str) -> Iterator[str]:
    with database.temporary_database(server, template=migrated_template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(LONG.encode())
            connection.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture
async def engine(long_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(long_url, pool_size=1, statement_timeout_seconds=30, lock_timeout_seconds=5)
    yield engine
    await engine.dispose()


def visited(plan: dict[str, Any]) -> float:
    """Rows that the scans of a plan have read, those that a filter dropped included."""
    own = sum(plan.get(member, 0) for member in ("Actual Rows", "Rows Removed by Filter")) * plan["Actual Loops"]
    below: float = sum(visited(part) for part in plan.get("Plans", []))
    return below + (own if "Scan" in plan["Node Type"] else 0)


@pytest.mark.parametrize("descending", [False, True], ids=["asc", "desc"])
@pytest.mark.parametrize(("name", "order"), ORDERS)
async def test_a_deep_page_by_its_cursor_visits_few_rows(
    engine: AsyncEngine, long_url: str, name: str, order: str, descending: bool
) -> None:
    repository, _ = LISTS[name]
    query = ListQuery(limit=LIMIT, order_by=order, descending=descending)
    async with session_factory(engine)() as session:
        before = await repository(session, 0).page(ListQuery(**{**vars(query), "offset": DEEP}))
        sent: list[tuple[str, Any]] = []
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: sent.append((given[2], given[3])))
        page = await repository(session, 0).page(ListQuery(**{**vars(query), "after": before.following}))
    assert len(page.items) == LIMIT
    [(statement, values)] = sent
    with psycopg.connect(long_url) as connection:
        explained = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".encode(), values).fetchone()
    assert explained is not None
    [found] = explained[0]
    assert visited(found["Plan"]) < FEW
