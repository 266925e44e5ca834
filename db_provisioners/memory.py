"""A provisioner that only pretends: databases are entries of a dictionary. For tests and for learning the contract.

It keeps the rules of the contract, and can be told to fail in the ways in which real platforms do.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr

from db_provisioners.contract import (
    API_VERSION,
    Capabilities,
    ConnectionInfo,
    DatabaseSpec,
    Handle,
    Health,
    Host,
    ImportProgress,
    Observation,
    Presence,
    Progress,
    TemplateRef,
    TemplateSource,
)
from db_provisioners.errors import (
    ForeignDatabaseError,
    InvalidDatabaseError,
    ProvisionerConfigurationError,
    ProvisionerUnavailableError,
    TemplateImportError,
    VerificationError,
)
from db_provisioners.scram import proves


class Fault(StrEnum):
    """How a call goes wrong.

    `UNAVAILABLE` fails before anything happened, `LOST_REPLY` after everything did, `HANG` waits until it is
    cancelled, and `UNFINISHED` does nothing and asks to be called again.
    """

    UNAVAILABLE = "unavailable"
    LOST_REPLY = "lost-reply"
    HANG = "hang"
    UNFINISHED = "unfinished"


class PlannedFault(BaseModel):
    """The `nth` call of that name goes wrong; the first is number 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call: str
    nth: int = 1
    fault: Fault


class MemorySettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    server: str = "memory"
    faults: tuple[PlannedFault, ...] = ()


@dataclass
class MemoryDatabase:
    """`installation` and `target` are the marker; without them the database is foreign."""

    installation: str | None = None
    target: UUID | None = None
    fingerprint: str = ""
    verifier: str = field(default="", repr=False)
    finished: bool = False


@dataclass
class MemoryServer:
    """What outlives one provisioner. Share it between several to play workers that die."""

    name: str = "memory"
    databases: dict[str, MemoryDatabase] = field(default_factory=dict)
    templates: dict[UUID, TemplateRef] = field(default_factory=dict)


Answer = TypeVar("Answer")

FaultPlan = Callable[[str, int], Fault | None]
"""Given a call's name and which call of that name it is, from 1: how it goes wrong, if at all."""


class MemoryProvisioner:
    name: ClassVar[str] = "memory"
    api_version: ClassVar[int] = API_VERSION
    settings_model: ClassVar[type[BaseModel]] = MemorySettings
    capabilities: ClassVar[Capabilities] = Capabilities(templates=True, health_counts=False)

    def __init__(self, host: Host, world: MemoryServer, faults: FaultPlan | None = None) -> None:
        self._host = host
        self.world = world
        self.faults: FaultPlan = faults or (lambda _call, _nth: None)
        self._calls: dict[str, int] = {}

    @classmethod
    async def open(cls, settings: Any, host: Host) -> Self:
        if not isinstance(settings, MemorySettings):
            raise ProvisionerConfigurationError("The memory provisioner needs its own settings.")
        planned = {(fault.call, fault.nth): fault.fault for fault in settings.faults}
        return cls(host, MemoryServer(settings.server), lambda call, nth: planned.get((call, nth)))

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def server(self) -> str:
        return f"memory:{self.world.name}"

    async def check(self) -> None:
        await self._begin("check")

    async def provision(self, spec: DatabaseSpec, handle: Handle) -> Progress:
        fault = await self._begin("provision")
        if fault is Fault.UNFINISHED:
            return _again(handle)
        progress = self._provision(spec)
        return _answered(progress, fault)

    async def verify(self, spec: DatabaseSpec, handle: Handle, password: SecretStr) -> Progress:
        fault = await self._begin("verify")
        if fault is Fault.UNFINISHED:
            return _again(handle)
        database = self._ours(spec)
        if database is None or not database.finished:
            raise VerificationError("The database does not stand.")
        if not proves(password, database.verifier):
            raise VerificationError("The tenant's login does not work.")
        if database.fingerprint != spec.template.fingerprint:
            raise VerificationError("The schema differs from the template's.")
        return _answered(Progress(done=True, handle=handle, message="The database is as promised."), fault)

    async def connect(self, spec: DatabaseSpec, handle: Handle) -> ConnectionInfo:  # noqa: ARG002 - the contract's
        await self._begin("connect")
        name = spec.physical_name
        return ConnectionInfo(host="memory.invalid", port=5432, database=name, username=name)

    async def observe(self, spec: DatabaseSpec, handle: Handle) -> Observation:  # noqa: ARG002 - the contract's
        await self._begin("observe")
        found = self.world.databases.get(spec.physical_name)
        if found is None:
            return Observation(presence=Presence.ABSENT)
        if not self._is_ours(found, spec):
            return Observation(presence=Presence.FOREIGN, detail="Something of that name exists that is not ours.")
        return Observation(presence=Presence.OURS if found.finished else Presence.UNFINISHED)

    async def health(self, spec: DatabaseSpec, handle: Handle, password: SecretStr) -> Health:  # noqa: ARG002 - see above
        await self._begin("health")
        found = self.world.databases.get(spec.physical_name)
        if found is None or not found.finished or not proves(password, found.verifier):
            return Health(available=False, detail="The database does not answer.")
        return Health(available=True, latency_ms=0.1, server_version="memory", uptime_seconds=0, size_bytes=0)

    async def delete(self, spec: DatabaseSpec, handle: Handle) -> Progress:
        fault = await self._begin("delete")
        if fault is Fault.UNFINISHED:
            return _again(handle)
        if self._ours(spec) is not None:
            del self.world.databases[spec.physical_name]
        return _answered(Progress(done=True, handle={}, message="Nothing of it is left."), fault)

    async def import_template(self, source: TemplateSource) -> AsyncIterator[ImportProgress]:
        fault = await self._begin("import_template")
        yield ImportProgress(message="Reading the archive.", fraction=0.0)
        try:
            content = await asyncio.to_thread(source.path.read_bytes)
        except OSError:
            raise TemplateImportError("The archive cannot be read.") from None
        if not content:
            raise TemplateImportError("The archive is empty.")
        template = TemplateRef(
            name=source.name,
            handle={"templateId": str(source.template_id)},
            fingerprint=hashlib.sha256(content).hexdigest(),
            ddl=source.ddl,
        )
        self.world.templates[source.template_id] = template
        done = ImportProgress(
            message="The template is ready.", fraction=1.0, template=template, size_bytes=len(content)
        )
        yield _answered(done, fault)

    def samples(self) -> Mapping[str, AbstractContextManager[Path]]:
        return {}

    async def delete_template(self, template: TemplateRef) -> Progress:
        fault = await self._begin("delete_template")
        if fault is Fault.UNFINISHED:
            return _again(template.handle)
        self.world.templates.pop(UUID(str(template.handle["templateId"])), None)
        return _answered(Progress(done=True, handle={}, message="The template is gone."), fault)

    def _provision(self, spec: DatabaseSpec) -> Progress:
        handle: Handle = {"target": str(spec.target_id)}
        database = self._ours(spec)
        if database is None:
            if UUID(str(spec.template.handle.get("templateId"))) not in self.world.templates:
                raise InvalidDatabaseError(f"The template {spec.template.name} is gone.")
            made = MemoryDatabase(installation=self._host.installation, target=spec.target_id)
            self.world.databases[spec.physical_name] = made
            return Progress(done=False, handle=handle, message="Reserved the name.", fraction=0.5)
        database.fingerprint = database.fingerprint or spec.template.fingerprint
        database.verifier = database.verifier or spec.login_verifier
        database.finished = True
        return Progress(done=True, handle=handle, message="The database stands.", fraction=1.0)

    def _ours(self, spec: DatabaseSpec) -> MemoryDatabase | None:
        found = self.world.databases.get(spec.physical_name)
        if found is not None and not self._is_ours(found, spec):
            raise ForeignDatabaseError(f"Something named {spec.physical_name} exists that is not ours.")
        return found

    def _is_ours(self, database: MemoryDatabase, spec: DatabaseSpec) -> bool:
        return (database.installation, database.target) == (self._host.installation, spec.target_id)

    async def _begin(self, call: str) -> Fault | None:
        """Count the call and do what goes wrong before it; what goes wrong later is handed back."""
        self._calls[call] = self._calls.get(call, 0) + 1
        fault = self.faults(call, self._calls[call])
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        if fault is Fault.UNAVAILABLE:
            raise ProvisionerUnavailableError(f"The fake was told to fail at {call}.")
        return fault


def _again(handle: Handle) -> Progress:
    return Progress(done=False, handle=handle, message="Not yet.", retry_after=timedelta(milliseconds=10))


def _answered(answer: Answer, fault: Fault | None) -> Answer:
    if fault is Fault.LOST_REPLY:
        raise ProvisionerUnavailableError("The fake was told to lose its reply.")
    return answer
