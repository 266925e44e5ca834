import asyncio
import uuid
from pathlib import Path

import pytest
from pydantic import SecretStr

from db_provisioners.contract import DatabaseSpec, Presence, TemplateRef, TemplateSource
from db_provisioners.errors import (
    InvalidDatabaseError,
    ProvisionerConfigurationError,
    ProvisionerUnavailableError,
    TemplateImportError,
)
from db_provisioners.memory import (
    Fault,
    MemoryDatabase,
    MemoryProvisioner,
    MemoryServer,
    MemorySettings,
    PlannedFault,
)
from db_provisioners.postgresql.settings import PostgresqlSettings
from db_provisioners.scram import verifier_of
from db_provisioners.testing import DatabaseProvisionerContract, Plant, Planted
from db_provisioners.trial import HostForTests, deleted, provisioned

pytestmark = pytest.mark.anyio


class TestMemory(DatabaseProvisionerContract):
    @pytest.fixture
    async def provisioner(self) -> MemoryProvisioner:
        return await MemoryProvisioner.open(MemorySettings(), HostForTests())

    @pytest.fixture
    async def template(self, provisioner: MemoryProvisioner, tmp_path: Path) -> TemplateRef:
        return await imported(provisioner, tmp_path)

    @pytest.fixture
    def plant(self, provisioner: MemoryProvisioner) -> Plant:
        async def put(spec: DatabaseSpec) -> None:
            provisioner.world.databases[spec.physical_name] = MemoryDatabase(fingerprint="theirs")

        return put

    @pytest.fixture
    def planted(self, provisioner: MemoryProvisioner) -> Planted:
        async def look(spec: DatabaseSpec) -> bool:
            return provisioner.world.databases[spec.physical_name] == MemoryDatabase(fingerprint="theirs")

        return look


async def imported(provisioner: MemoryProvisioner, folder: Path) -> TemplateRef:
    archive = folder / "archive.sql"
    archive.write_text("CREATE SCHEMA edfi;")
    source = TemplateSource(template_id=uuid.uuid4(), name="Minimal", path=archive)
    events = [event async for event in provisioner.import_template(source)]
    template = events[-1].template
    assert template is not None
    return template


def a_spec(template: TemplateRef) -> DatabaseSpec:
    verifier = verifier_of(SecretStr("secret"))
    return DatabaseSpec(target_id=uuid.uuid4(), physical_name="ta_x", template=template, login_verifier=verifier)


async def faulty(folder: Path, *faults: PlannedFault) -> tuple[MemoryProvisioner, DatabaseSpec]:
    provisioner = await MemoryProvisioner.open(MemorySettings(faults=faults), HostForTests())
    return provisioner, a_spec(await imported(provisioner, folder))


async def test_an_unavailable_platform_has_done_nothing(tmp_path: Path) -> None:
    provisioner, spec = await faulty(tmp_path, PlannedFault(call="provision", fault=Fault.UNAVAILABLE))
    with pytest.raises(ProvisionerUnavailableError):
        await provisioner.provision(spec, {})
    assert (await provisioner.observe(spec, {})).presence is Presence.ABSENT
    await provisioned(provisioner, spec)


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_lost_reply_comes_after_the_effect(tmp_path: Path, nth: int) -> None:
    provisioner, spec = await faulty(tmp_path, PlannedFault(call="provision", nth=nth, fault=Fault.LOST_REPLY))
    with pytest.raises(ProvisionerUnavailableError):
        await provisioned(provisioner, spec)
    assert (await provisioner.observe(spec, {})).presence is (Presence.UNFINISHED if nth == 1 else Presence.OURS)
    await provisioned(provisioner, spec)


async def test_a_lost_reply_of_a_delete_is_found_done_by_the_next(tmp_path: Path) -> None:
    provisioner, spec = await faulty(tmp_path, PlannedFault(call="delete", fault=Fault.LOST_REPLY))
    handle = await provisioned(provisioner, spec)
    with pytest.raises(ProvisionerUnavailableError):
        await provisioner.delete(spec, handle)
    await deleted(provisioner, spec, handle)


async def test_a_hanging_call_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    provisioner, spec = await faulty(tmp_path, PlannedFault(call="provision", fault=Fault.HANG))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await provisioner.provision(spec, {})
    await provisioned(provisioner, spec)


async def test_an_unfinished_answer_asks_to_be_called_again(tmp_path: Path) -> None:
    provisioner, spec = await faulty(tmp_path, PlannedFault(call="delete", fault=Fault.UNFINISHED))
    handle = await provisioned(provisioner, spec)
    progress = await provisioner.delete(spec, handle)
    assert not progress.done
    assert progress.retry_after.total_seconds() > 0
    assert (await provisioner.delete(spec, progress.handle)).done


async def test_two_provisioners_can_share_a_server_as_two_workers_do(tmp_path: Path) -> None:
    host, shared = HostForTests(), MemoryServer()
    first, second = MemoryProvisioner(host, shared), MemoryProvisioner(host, shared)
    spec = a_spec(await imported(first, tmp_path))
    await first.provision(spec, {})
    await provisioned(second, spec)
    assert (await first.observe(spec, {})).presence is Presence.OURS


async def test_a_deleted_template_cannot_be_copied(tmp_path: Path) -> None:
    provisioner, spec = await faulty(tmp_path)
    await provisioner.delete_template(spec.template)
    with pytest.raises(InvalidDatabaseError):
        await provisioner.provision(spec, {})


async def test_an_unreadable_archive_is_refused(tmp_path: Path) -> None:
    provisioner = await MemoryProvisioner.open(MemorySettings(), HostForTests())
    source = TemplateSource(template_id=uuid.uuid4(), name="Minimal", path=tmp_path / "absent")
    with pytest.raises(TemplateImportError):
        [event async for event in provisioner.import_template(source)]


async def test_settings_of_another_plugin_are_refused() -> None:
    with pytest.raises(ProvisionerConfigurationError):
        await MemoryProvisioner.open(PostgresqlSettings(admin_url=SecretStr("postgresql://x")), HostForTests())
