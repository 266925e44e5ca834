"""The `postgresql` provisioner: one server, one administrator without superuser rights."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, SecretStr

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
from db_provisioners.errors import ForeignDatabaseError, ProvisionerConfigurationError, VerificationError
from db_provisioners.postgresql.administrator import check_rights, identity, risks
from db_provisioners.postgresql.creation import Creation
from db_provisioners.postgresql.failures import translated
from db_provisioners.postgresql.health import measure
from db_provisioners.postgresql.long_statements import LongStatements
from db_provisioners.postgresql.ownership import Note, Standing, judge
from db_provisioners.postgresql.removal import Removal
from db_provisioners.postgresql.samples import SAMPLES, sample_path
from db_provisioners.postgresql.server import Login, Server
from db_provisioners.postgresql.settings import PostgresqlSettings
from db_provisioners.postgresql.sightings import look
from db_provisioners.postgresql.staging import Staging
from db_provisioners.postgresql.template_import import TemplateImport
from db_provisioners.postgresql.templates import TemplateNote, objects_owner
from db_provisioners.postgresql.tools import tools_folder
from db_provisioners.postgresql.verification import verify


class PostgresqlProvisioner:
    name: ClassVar[str] = "postgresql"
    api_version: ClassVar[int] = API_VERSION
    settings_model: ClassVar[type[BaseModel]] = PostgresqlSettings
    capabilities: ClassVar[Capabilities] = Capabilities(templates=True, health_counts=True)

    def __init__(self, settings: PostgresqlSettings, host: Host, server: Server, identity: str) -> None:
        self._host = host
        self._server = server
        self._identity = identity
        self._seconds = settings.health_timeout
        self._statements = LongStatements(server, creates_at_once=settings.creates_at_once, patience=settings.patience)
        self._creation = Creation(server, host, self._statements, file_copy_above=settings.file_copy_above)
        self._removal = Removal(server, host, self._statements)
        staging = Staging(server, host, self._statements, self._removal)
        self._import = TemplateImport(
            server, staging, tools_folder(settings.tools_folder), timeout=settings.import_timeout
        )

    @classmethod
    async def open(cls, settings: Any, host: Host) -> Self:
        if not isinstance(settings, PostgresqlSettings):
            raise ProvisionerConfigurationError("The postgresql provisioner needs its own settings.")
        server = Server(settings)
        with translated():
            async with server.administer() as administrator:
                return cls(settings, host, server, await identity(administrator))

    async def close(self) -> None:
        await self._statements.close()

    @property
    def server(self) -> str:
        """The cluster's own identifier: addresses and ports change, it does not."""
        return self._identity

    async def check(self) -> None:
        with translated():
            async with self._server.administer() as administrator:
                await check_rights(administrator)

    async def risks(self) -> list[str]:
        """What an operator should know about this server, one sentence each. Not part of the contract."""
        with translated():
            async with self._server.administer() as administrator:
                return await risks(administrator)

    async def provision(self, spec: DatabaseSpec, handle: Handle) -> Progress:
        with translated():
            return await self._creation.advance(spec, handle)

    async def verify(self, spec: DatabaseSpec, handle: Handle, password: SecretStr) -> Progress:
        """A database that went missing or changed hands since it was made is refused too."""
        observation = await self.observe(spec, handle)
        if observation.presence is Presence.FOREIGN:
            raise ForeignDatabaseError(observation.detail)
        if observation.presence is not Presence.OURS:
            raise VerificationError(observation.detail)
        login = Login(spec.physical_name, spec.physical_name, password)
        await verify(self._server, spec, login, objects_owner(self._host))
        return Progress(done=True, handle=handle, message="The database is what its template promises.", fraction=1.0)

    async def connect(self, spec: DatabaseSpec, handle: Handle) -> ConnectionInfo:  # noqa: ARG002 - the contract's
        return ConnectionInfo(
            host=self._server.tenant_host,
            port=self._server.tenant_port,
            database=spec.physical_name,
            username=spec.physical_name,
        )

    async def observe(self, spec: DatabaseSpec, handle: Handle) -> Observation:
        with translated():
            async with self._server.administer() as administrator:
                seen = await look(administrator, spec.physical_name)
        if seen.nothing:
            return Observation(presence=Presence.ABSENT, detail="Nothing of that name exists.")
        verdict = judge(self._host, spec.target_id, seen, Note.of(handle))
        if verdict.foreign:
            return Observation(presence=Presence.FOREIGN, detail="Something of that name exists that is not ours.")
        complete = seen.database and not seen.database.invalid and seen.database.allows_connections
        if complete and seen.login and seen.login.can_login and verdict.database is Standing.OURS:
            return Observation(presence=Presence.OURS, detail="The database stands.")
        return Observation(presence=Presence.UNFINISHED, detail="A create or a drop stopped half-way.")

    async def health(self, spec: DatabaseSpec, handle: Handle, password: SecretStr) -> Health:  # noqa: ARG002 - see connect
        login = Login(spec.physical_name, spec.physical_name, password)
        owners = (objects_owner(self._host), *((spec.physical_name,) if spec.template.ddl else ()))
        return await measure(self._server, login, owners, seconds=self._seconds)

    async def delete(self, spec: DatabaseSpec, handle: Handle) -> Progress:
        with translated():
            return await self._removal.advance(spec.physical_name, spec.target_id, handle)

    def import_template(self, source: TemplateSource) -> AsyncIterator[ImportProgress]:
        return self._import.events(source)

    def samples(self) -> Mapping[str, AbstractContextManager[Path]]:
        return {name: sample_path(name) for name in SAMPLES}

    async def delete_template(self, template: TemplateRef) -> Progress:
        note = TemplateNote.of(template.handle)
        with translated():
            return await self._removal.advance(note.database, note.template_id, template.handle)
