"""Servers with an administrator that is no superuser, and templates on them, once per test process."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from db_provisioners.contract import TemplateRef
from db_provisioners.postgresql.provisioner import PostgresqlProvisioner
from tenant_api.embedded import ServerAddress
from tests.provisioners.archives import RICH, dump, zipped
from tests.provisioners.world import World, imported, run_apart


@pytest.fixture(scope="session")
def world(server: ServerAddress) -> World:
    return World(server.url())


@pytest.fixture(scope="session")
def world_15(postgresql_15: ServerAddress) -> World:
    return World(postgresql_15.url())


@pytest.fixture(scope="session")
def template(world: World) -> TemplateRef:
    return run_apart(_template(world, ddl=False))


@pytest.fixture(scope="session")
def ddl_template(world: World) -> TemplateRef:
    return run_apart(_template(world, ddl=True))


@pytest.fixture(scope="session")
def template_15(world_15: World) -> TemplateRef:
    return run_apart(_template(world_15, ddl=False))


@pytest.fixture
async def provisioner(world: World) -> AsyncIterator[PostgresqlProvisioner]:
    async with world.provisioner() as opened:
        yield opened


@pytest.fixture
async def provisioner_15(world_15: World) -> AsyncIterator[PostgresqlProvisioner]:
    async with world_15.provisioner() as opened:
        yield opened


@pytest.fixture(scope="session")
def rich(world: World) -> Iterator[str]:
    name = f"rich_{uuid.uuid4().hex[:8]}"
    world.sql(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    world.sql(RICH, database=name)
    yield name
    world.sql(SQL("DROP DATABASE {}").format(Identifier(name)))


@pytest.fixture(scope="session")
def archives(world: World, rich: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("archives")
    custom = dump(world, rich, folder / "one", "--format=custom")
    plain = dump(world, rich, folder / "two")
    return {"custom": custom, "plain": plain, "custom.gz": zipped(custom), "plain.gz": zipped(plain)}


async def _template(world: World, *, ddl: bool) -> TemplateRef:
    async with world.provisioner() as opened:
        with opened.samples()["Sample"] as archive:
            template = (await imported(opened, archive, ddl=ddl)).template
    assert template is not None
    return template
