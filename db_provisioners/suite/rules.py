"""What every provisioner must show, as tests."""

import asyncio
import logging
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from db_provisioners.contract import (
    API_VERSION,
    DatabaseProvisioner,
    DatabaseSpec,
    Handle,
    Presence,
    Progress,
    TemplateRef,
    TemplateSource,
)
from db_provisioners.errors import (
    ForeignDatabaseError,
    ProvisionerUnavailableError,
    VerificationError,
)
from db_provisioners.names import physical_name
from db_provisioners.scram import verifier_of
from db_provisioners.trial import (
    DEADLINE_SECONDS,
    MOST_CALLS,
    deleted,
    everything_of,
    provisioned,
    refusals,
    template_deleted,
    until_done,
)

Plant = Callable[[DatabaseSpec], Awaitable[None]]
Planted = Callable[[DatabaseSpec], Awaitable[bool]]
SpecFactory = Callable[[], DatabaseSpec]


class DatabaseProvisionerContract:
    """What every provisioner must show. Tests state facts; none of them looks behind the contract."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    async def provisioner(self) -> DatabaseProvisioner:
        raise NotImplementedError

    @pytest.fixture
    async def template(self, provisioner: DatabaseProvisioner) -> TemplateRef:
        raise NotImplementedError

    @pytest.fixture
    def plant(self) -> Plant:
        raise NotImplementedError

    @pytest.fixture
    def planted(self) -> Planted:
        raise NotImplementedError

    @pytest.fixture
    def password(self) -> SecretStr:
        return SecretStr(f"canary-{secrets.token_urlsafe(24)}")

    @pytest.fixture
    def verifier(self, password: SecretStr) -> str:
        return verifier_of(password)

    @pytest.fixture
    def spec_factory(self, template: TemplateRef, verifier: str) -> SpecFactory:
        def make() -> DatabaseSpec:
            target = uuid.uuid4()
            name = physical_name("contract", "suite", target.bytes)
            return DatabaseSpec(target_id=target, physical_name=name, template=template, login_verifier=verifier)

        return make

    @pytest.fixture
    async def spec(self, provisioner: DatabaseProvisioner, spec_factory: SpecFactory) -> AsyncIterator[DatabaseSpec]:
        spec = spec_factory()
        yield spec
        if (await provisioner.observe(spec, {})).presence is not Presence.FOREIGN:
            await deleted(provisioner, spec)

    async def test_has_the_shape_of_the_protocol(self, provisioner: DatabaseProvisioner) -> None:
        assert isinstance(provisioner, DatabaseProvisioner)
        assert provisioner.api_version == API_VERSION
        assert provisioner.name
        assert provisioner.server

    async def test_a_ready_platform_passes_the_check(self, provisioner: DatabaseProvisioner) -> None:
        await provisioner.check()

    async def test_closing_twice_does_no_harm(self, provisioner: DatabaseProvisioner) -> None:
        await provisioner.close()
        await provisioner.close()

    async def test_samples_are_archives_that_can_be_imported(self, provisioner: DatabaseProvisioner) -> None:
        for name, archive in provisioner.samples().items():
            with archive as path:
                source = TemplateSource(template_id=uuid.uuid4(), name=name, path=path)
                events = [event async for event in provisioner.import_template(source)]
            template = events[-1].template
            assert template is not None
            assert template.name == name
            await template_deleted(provisioner, template)
            assert (await provisioner.delete_template(template)).done

    async def test_absent_before_a_create(self, provisioner: DatabaseProvisioner, spec: DatabaseSpec) -> None:
        assert (await provisioner.observe(spec, {})).presence is Presence.ABSENT

    async def test_a_create_ends_with_a_verified_database(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        handle = await provisioned(provisioner, spec)
        assert (await provisioner.observe(spec, handle)).presence is Presence.OURS
        await until_done(lambda saved: provisioner.verify(spec, saved, password), handle)
        where = await provisioner.connect(spec, handle)
        assert where.host
        assert 0 < where.port < 65536
        assert where.database
        assert where.username

    async def test_creating_twice_changes_nothing(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        handle = await provisioned(provisioner, spec)
        again = await provisioned(provisioner, spec, handle)
        assert dict(again) == dict(handle)
        await until_done(lambda saved: provisioner.verify(spec, saved, password), again)

    async def test_every_call_of_a_create_may_be_repeated_with_the_older_handle(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        handle: Handle = {}
        for _ in range(MOST_CALLS):
            await provisioner.provision(spec, handle)
            progress = await provisioner.provision(spec, handle)
            handle = progress.handle
            if progress.done:
                break
            await asyncio.sleep(progress.retry_after.total_seconds())
        await until_done(lambda saved: provisioner.verify(spec, saved, password), handle)

    async def test_a_create_can_be_finished_with_an_empty_handle(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        await provisioned(provisioner, spec)
        handle = await provisioned(provisioner, spec, {})
        await until_done(lambda saved: provisioner.verify(spec, saved, password), handle)

    async def test_a_half_made_database_is_unfinished_and_can_be_deleted(
        self, provisioner: DatabaseProvisioner, spec_factory: SpecFactory
    ) -> None:
        for stages in range(1, 4):
            spec = spec_factory()
            progress = await provisioner.provision(spec, {})
            for _ in range(stages - 1):
                if not progress.done:
                    progress = await provisioner.provision(spec, progress.handle)
            if not progress.done:
                assert (await provisioner.observe(spec, progress.handle)).presence is Presence.UNFINISHED
            await deleted(provisioner, spec, progress.handle)
            assert (await provisioner.observe(spec, {})).presence is Presence.ABSENT

    async def test_verification_refuses_a_wrong_fingerprint(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        handle = await provisioned(provisioner, spec)
        other = replace(spec, template=replace(spec.template, fingerprint="another"))
        with pytest.raises(VerificationError):
            await until_done(lambda saved: provisioner.verify(other, saved, password), handle)

    async def test_verification_refuses_a_wrong_password(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec
    ) -> None:
        handle = await provisioned(provisioner, spec)
        with pytest.raises(VerificationError):
            await until_done(lambda saved: provisioner.verify(spec, saved, SecretStr("wrong")), handle)

    async def test_looking_changes_nothing(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        handle = await provisioned(provisioner, spec)
        for _ in range(3):
            assert (await provisioner.observe(spec, {})).presence is Presence.OURS
        await until_done(lambda saved: provisioner.verify(spec, saved, password), handle)

    async def test_a_standing_database_is_available(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        handle = await provisioned(provisioner, spec)
        health = await provisioner.health(spec, handle, password)
        assert health.available
        assert health.latency_ms is not None
        assert health.server_version
        assert set(health.estimated) <= set(health.counts)

    async def test_an_absent_database_is_unavailable_not_an_error(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        health = await provisioner.health(spec, {}, password)
        assert not health.available
        assert health.detail

    async def test_a_refused_login_is_unavailable_not_an_error(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec
    ) -> None:
        handle = await provisioned(provisioner, spec)
        assert not (await provisioner.health(spec, handle, SecretStr("wrong"))).available

    async def test_deleting_what_is_absent_is_done(self, provisioner: DatabaseProvisioner, spec: DatabaseSpec) -> None:
        assert (await provisioner.delete(spec, {})).done

    async def test_deleting_twice_is_done_also_with_the_old_handle(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec
    ) -> None:
        handle = await provisioned(provisioner, spec)
        await deleted(provisioner, spec, handle)
        assert (await provisioner.observe(spec, handle)).presence is Presence.ABSENT
        await deleted(provisioner, spec, handle)
        await deleted(provisioner, spec)

    async def test_deleting_needs_no_handle(self, provisioner: DatabaseProvisioner, spec: DatabaseSpec) -> None:
        await provisioned(provisioner, spec)
        await deleted(provisioner, spec, {})
        assert (await provisioner.observe(spec, {})).presence is Presence.ABSENT

    async def test_a_deleted_name_can_be_used_again_by_another_target(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        await deleted(provisioner, spec, await provisioned(provisioner, spec))
        successor = replace(spec, target_id=uuid.uuid4())
        handle = await provisioned(provisioner, successor)
        await until_done(lambda saved: provisioner.verify(successor, saved, password), handle)
        await deleted(provisioner, successor, handle)

    async def test_what_is_foreign_is_neither_taken_nor_deleted(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, plant: Plant, planted: Planted, password: SecretStr
    ) -> None:
        await plant(spec)
        assert (await provisioner.observe(spec, {})).presence is Presence.FOREIGN
        with pytest.raises(ForeignDatabaseError):
            await provisioned(provisioner, spec)
        with pytest.raises(ForeignDatabaseError):
            await deleted(provisioner, spec)
        with pytest.raises((ForeignDatabaseError, VerificationError)):
            await until_done(lambda saved: provisioner.verify(spec, saved, password), {})
        assert await planted(spec)

    async def test_another_targets_database_is_foreign(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        handle = await provisioned(provisioner, spec)
        thief = replace(spec, target_id=uuid.uuid4())
        assert (await provisioner.observe(thief, handle)).presence is Presence.FOREIGN
        for call in (provisioner.provision, provisioner.delete):
            with pytest.raises(ForeignDatabaseError):
                await call(thief, handle)
        await until_done(lambda saved: provisioner.verify(spec, saved, password), handle)

    async def test_several_creates_at_once_all_end_well(
        self, provisioner: DatabaseProvisioner, spec_factory: SpecFactory, password: SecretStr
    ) -> None:
        specs = [spec_factory() for _ in range(5)]
        handles = await asyncio.gather(*(provisioned(provisioner, spec) for spec in specs))
        for spec, handle in zip(specs, handles, strict=True):
            assert (await provisioner.verify(spec, handle, password)).done
        await asyncio.gather(*(deleted(provisioner, spec) for spec in specs))

    async def test_two_creates_of_one_spec_at_once_make_one_database(
        self, provisioner: DatabaseProvisioner, spec: DatabaseSpec, password: SecretStr
    ) -> None:
        async def create(handle: Handle) -> Progress:
            try:
                return await provisioner.provision(spec, handle)
            except ProvisionerUnavailableError:
                return Progress(done=False, handle=handle, retry_after=timedelta(milliseconds=50))

        handles = await asyncio.gather(until_done(create, {}), until_done(create, {}))
        assert dict(handles[0]) == dict(handles[1])
        await until_done(lambda saved: provisioner.verify(spec, saved, password), handles[0])

    async def test_secrets_show_nowhere(
        self,
        provisioner: DatabaseProvisioner,
        spec: DatabaseSpec,
        password: SecretStr,
        verifier: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        shown = [("repr of the spec", repr(spec)), ("repr of the provisioner", repr(provisioner))]
        handle: Handle = {}
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                progress = await provisioner.provision(spec, handle)
                handle = progress.handle
                shown.append(("repr of a Progress", repr(progress)))
                if progress.done:
                    break
                await asyncio.sleep(progress.retry_after.total_seconds())
        shown += [
            ("what verify says", repr(await provisioner.verify(spec, handle, password))),
            ("what connect says", repr(await provisioner.connect(spec, handle))),
            ("what health says", repr(await provisioner.health(spec, handle, password))),
            ("what observe says", repr(await provisioner.observe(spec, handle))),
            *[
                (f"the {type(error).__name__}", everything_of(error))
                for error in await refusals(provisioner, spec, handle, password)
            ],
            *[(f"the log of {record.name}", caplog.handler.format(record)) for record in caplog.records],
        ]
        secrets = {
            "the password": password.get_secret_value(),
            "the verifier": verifier,
            "the verifier's keys": verifier.rpartition(":")[2],
        }
        assert [f"{name}: in {place}" for place, text in shown for name, one in secrets.items() if one in text] == []
