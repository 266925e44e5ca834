"""Whatever stands in a member, the answer is the contract's, and what is refused changes nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tenant_api.embedded import ServerAddress
from tests import database
from tests.api import bodies
from tests.api.problems import INVALID_JSON, is_invalid_json, is_problem, is_unresolved
from tests.api.service import Api, serving

pytestmark = pytest.mark.anyio

TENANT, OTHER = "North", "South"
QUOTES = "O'Brien\"; DROP TABLE vendors; -- `$$ \\ %s %(x)s {0} ${jndi:x} <b>"
HUGE = "x" * 10_000_000
DEEP = "[" * 5000 + "]" * 5000


@dataclass(frozen=True)
class Raw:
    """JSON as it is sent, for what no encoder would write."""

    json: str

    def __repr__(self) -> str:
        return self.json[:20]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a member of one type must refuse as no fitting JSON, what as breaking a rule."""

    invalid: tuple[Any, ...]
    broken: tuple[Any, ...] = ()
    fine: tuple[Any, ...] = ()


NEVER: tuple[Any, ...] = (
    Raw('"\\ud800"'),
    Raw('"a\\udc00\\ud800b"'),
    Raw(DEEP),
    Raw('{"a":' * 5000 + "1" + "}" * 5000),
)
NO_TEXT = (*NEVER, 5, 1.5, True, [], ["a"], {})
NO_NUMBER = (*NEVER, "", "one", QUOTES, "a\0b", 1.5, True, [], {}, Raw("9" * 5000), 2**63, None, Raw(f'"{HUGE}"'))
NO_FLAG = (*NEVER, "", "true", QUOTES, "a\0b", 0, 1, [], {}, None, Raw(f'"{HUGE}"'))
NO_LIST = (*NEVER, "", "1", QUOTES, 1, True, {}, [None], ["a"], [1.5], [[1]], [QUOTES], ["a\0b"], [2**63])


def text(limit: int, **kind: Any) -> Kind:
    fine = kind.get("fine", (QUOTES, "\U0001f989", "x" * limit))
    broken = kind.get("broken", (None, "", " ", "a\0b", "\0", "x" * (limit + 1), HUGE))
    return Kind(invalid=NO_TEXT, broken=broken, fine=fine)


NAME = text(256)
CONTACT = text(128, broken=("a\0b", "x" * 129, HUGE), fine=("", None, QUOTES))
NO_EMAIL = ("", "a\0@b", "a", "@", "a@b@c", "a@" + "x" * 319, HUGE)
EMAIL = text(320, broken=NO_EMAIL, fine=(None, "a'b@c\"d", QUOTES + "@x"))
NEEDED_EMAIL = text(320, broken=(None, *NO_EMAIL), fine=("a'b@c\"d", QUOTES + "@x"))
PREFIXES = text(128, fine=(QUOTES, "a,b", ",".join(f"{number:0128}" for number in range(100))))
CLAIM_SET = text(256, fine=("a';--", "x" * 256))
NUMBER = Kind(invalid=NO_NUMBER)
FLAG = Kind(invalid=NO_FLAG, fine=(True, False))
IDS = Kind(invalid=NO_LIST, broken=([0], [-1], [1, 0]), fine=([], None))


@dataclass
class World:
    """Two tenants; one thing of each kind, and the ids that only the other tenant may use."""

    api: Api
    url: str
    ids: dict[str, int] = field(default_factory=dict)
    foreign: dict[str, int] = field(default_factory=dict)

    async def build(self) -> "World":
        for tenant, ids in ((TENANT, self.ids), (OTHER, self.foreign)):
            await self.api.made("/v3/tenants", {"name": tenant})
            ids["vendor"] = await self.api.made("/v3/vendors", bodies.vendor(), tenant=tenant)
            ids["store"] = await self.api.made("/v3/dataStores", bodies.data_store(), tenant=tenant)
            application = bodies.application(ids["vendor"], dataStoreIds=[ids["store"]])
            ids["application"] = await self.api.made("/v3/applications", application, tenant=tenant)
            client = bodies.api_client(ids["application"], [ids["store"]])
            ids["client"] = await self.api.made("/v3/apiClients", client, tenant=tenant)
        return self

    def rows(self) -> dict[str, str]:
        """A digest of every table, without the times of use that are written in the background."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
            ).fetchall()
            digest = SQL(
                "SELECT md5(string_agg(r, '|' ORDER BY r))"
                " FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS r FROM {} t) AS rows"
            )
            found = {}
            for (table,) in tables:
                row = connection.execute(digest.format(Identifier(table))).fetchone()
                assert row is not None
                found[table] = row[0] or ""
            return found


@dataclass(frozen=True, kw_only=True)
class Target:
    """One operation with a body, and its writable members."""

    method: str
    path: Callable[[World], str]
    body: Callable[[World], bodies.Body]
    members: dict[str, Kind]


def both(
    name: str,
    path: str,
    body: Callable[[World], bodies.Body],
    members: dict[str, Kind],
    *,
    only_post: dict[str, Kind] | None = None,
) -> Iterator[Target]:
    yield Target(method="POST", path=lambda _: path, body=body, members={**members, **(only_post or {})})
    yield Target(
        method="PUT",
        path=lambda world: f"{path}/{world.ids[name]}",
        body=lambda world: {**body(world), "id": world.ids[name]},
        members={**members, "id": NUMBER},
    )


def application(world: World) -> bodies.Body:
    return bodies.application(world.ids["vendor"], dataStoreIds=[world.ids["store"]])


def api_client(world: World) -> bodies.Body:
    return bodies.api_client(world.ids["application"], [world.ids["store"]])


TARGETS = [
    Target(
        method="POST",
        path=lambda _: "/v3/tenants",
        body=lambda _: bodies.tenant(),
        members={"name": text(256, fine=("x" * 256,), broken=(None, "", QUOTES, "a\0b", "x" * 257, HUGE))},
    ),
    *both(
        "vendor",
        "/v3/vendors",
        lambda _: bodies.vendor(),
        {"company": NAME, "contactName": CONTACT, "contactEmailAddress": EMAIL, "namespacePrefixes": PREFIXES},
        only_post={"contactName": text(128), "contactEmailAddress": NEEDED_EMAIL},
    ),
    *both(
        "store",
        "/v3/dataStores",
        lambda _: bodies.data_store(),
        {
            "dataStoreType": text(50, fine=("x' OR 1=1", "x" * 50)),
            "name": NAME,
            "connectionString": text(1000, broken=("x" * 1001, HUGE), fine=(None, "", QUOTES, "a\0b", "x" * 1000)),
        },
    ),
    *both(
        "application",
        "/v3/applications",
        application,
        {
            "applicationName": NAME,
            "vendorId": NUMBER,
            "claimSetName": CLAIM_SET,
            "educationOrganizationIds": IDS,
            "dataStoreIds": IDS,
            "profileIds": IDS,
        },
    ),
    *both(
        "client",
        "/v3/apiClients",
        api_client,
        {
            "applicationId": NUMBER,
            "name": text(50, fine=("x'; DROP--", "x" * 50)),
            "isApproved": FLAG,
            "dataStoreIds": Kind(invalid=NO_LIST, broken=([], None)),
        },
    ),
]


@pytest.fixture(scope="module")
async def world(server: ServerAddress, prepared: str) -> Any:
    with database.temporary_database(server, template=prepared) as url:
        async with serving(url, multi_tenancy=True) as api:
            yield await World(api, url).build()


async def send(world: World, target: Target, member: str, value: Any) -> Any:
    body = target.body(world)
    body[member] = "@@@" if isinstance(value, Raw) else value
    sent = json.dumps(body)
    if isinstance(value, Raw):
        sent = sent.replace('"@@@"', value.json)
    headers = {"Content-Type": "application/json"}
    return await world.api.call(
        target.method, target.path(world), content=sent.encode(), headers=headers, tenant=TENANT
    )


CASES = [(target, member) for target in TARGETS for member in target.members]
FINE = [(target, member) for target, member in CASES if target.members[member].fine]


def ids_of(cases: list[tuple[Target, str]]) -> list[str]:
    return [f"{target.method}-{'-'.join(list(target.members)[:1])}-{member}" for target, member in cases]


@pytest.mark.parametrize(("target", "member"), CASES, ids=ids_of(CASES))
async def test_what_a_member_cannot_hold_is_refused_and_changes_nothing(
    world: World, target: Target, member: str
) -> None:
    kind = target.members[member]
    before = world.rows()
    for value in kind.invalid:
        is_invalid_json(await send(world, target, member, value))
    for value in kind.broken:
        answer = await send(world, target, member, value)
        problem = is_problem(answer, 400, "bad-request:data")
        assert problem["validationErrors"] != INVALID_JSON
        assert {key.partition("[")[0] for key in problem["validationErrors"]} == {member[0].upper() + member[1:]}
        assert len(answer.content) < 1000
    assert world.rows() == before


@pytest.mark.parametrize(("target", "member"), FINE, ids=ids_of(FINE))
async def test_what_a_member_can_hold_is_taken_as_it_is(world: World, target: Target, member: str) -> None:
    for value in target.members[member].fine:
        answer = await send(world, target, member, value)
        assert answer.status_code in (201, 204), answer.text
        address = answer.headers.get("location", target.path(world))
        shown = (await world.api.get(address, tenant=TENANT)).json()
        if member != "connectionString":
            assert shown[member] == ([] if value is None and member.endswith("Ids") else value)
        if target.method == "POST":
            await world.api.delete(address, tenant=TENANT)


@pytest.mark.parametrize(
    ("target", "member", "name"),
    [
        pytest.param(target, member, name, id=f"{target.method}-{member}")
        for target in TARGETS
        for member, name in [("vendorId", "vendor"), ("applicationId", "application"), ("dataStoreIds", "store")]
        if member in target.members
    ],
)
async def test_an_id_of_another_tenant_is_refused_like_one_that_is_not_there(
    world: World, target: Target, member: str, name: str
) -> None:
    before = world.rows()
    foreign = world.foreign[name]
    answer = await send(world, target, member, [foreign] if member.endswith("s") else foreign)
    unknown = await send(world, target, member, [999_999] if member.endswith("s") else 999_999)
    is_unresolved(answer, unknown.json()["detail"].replace("999999", str(foreign)))
    assert world.rows() == before


async def test_refusals_of_whole_bodies_change_nothing(world: World) -> None:
    before = world.rows()
    for target in TARGETS:
        path = target.path(world)
        good = json.dumps(target.body(world)).encode()
        for content, content_type, status in [
            (good, "application/json; charset=utf-16", 415),
            (good, 'application/json; charset="utf-8"', 415),
            (good, "text/plain", 415),
            (good, "application/x-www-form-urlencoded", 415),
            (good.decode().encode("utf-16"), "application/json", 400),
            (good[:-1], "application/json", 400),
            (good + good, "application/json", 400),
            (b"", "application/json", 400),
            (b"null", "application/json", 400),
            (DEEP.encode(), "application/json", 400),
            (b'"' + HUGE.encode() + b'"', "application/json", 400),
            (b" " * 31_000_000, "application/json", 413),
        ]:
            answer = await world.api.call(
                target.method, path, content=content, headers={"Content-Type": content_type}, tenant=TENANT
            )
            assert answer.status_code == status, (target.method, path, content[:20], answer.text)
            assert answer.json()["status"] == status
    assert world.rows() == before
