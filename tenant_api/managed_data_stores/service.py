"""Rules about managed data stores; knows no HTTP and no SQL."""

import os
from datetime import timedelta
from uuid import UUID, uuid4

from pydantic import SecretStr

from db_provisioners.contract import Health
from db_provisioners.errors import ProvisionerError
from db_provisioners.names import physical_name
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.sealed import password_of
from tenant_api.db.tables import ManagedDataStore
from tenant_api.kernel.errors import (
    BadGatewayError,
    ConflictError,
    DataError,
    DependentItemExistsError,
    NotFoundError,
)
from tenant_api.kernel.secrets import generate_password
from tenant_api.managed_data_stores.repository import ManagedDataStoreRepository, Shown, name_taken
from tenant_api.managed_data_stores.schemas import ManagedDataStoreCreate
from tenant_api.managed_data_stores.spec import read_spec
from tenant_api.managed_data_stores.states import CREATE, DELETABLE, DELETE, WHY_NOT_DELETE, Status, status_of
from tenant_api.operations.repository import OperationRepository
from tenant_api.operations.states import State
from tenant_api.web.state import Runtime


class ManagedDataStoreService:
    """Managed data stores of the addressed tenant. Requests only decide; the work is done by operations."""

    def __init__(
        self, managed: ManagedDataStoreRepository, operations: OperationRepository, runtime: Runtime, tenant_id: int
    ) -> None:
        self._managed = managed
        self._operations = operations
        self._runtime = runtime
        self._tenant_id = tenant_id

    async def page(self, query: ListQuery) -> Page[Shown]:
        """A list as asked for, tombstones included."""
        return await self._managed.page(query)

    async def get(self, managed_id: int) -> Shown:
        """One managed data store, deleted or not; NotFoundError."""
        return _found(await self._managed.find(managed_id), managed_id)

    async def create(self, wanted: ManagedDataStoreCreate) -> tuple[int, UUID]:
        """Accept a database to be made; answers the ids of the row and of the job.

        DataError if the template is unknown or the name is taken. The physical name is reserved and the password
        sealed before anything exists.
        """
        name = (wanted.name or "").strip()
        server = self._runtime.provisioner.server
        templates = await self._managed.templates(server)
        template = wanted.database_template or ""
        if template not in templates:
            allowed = ", ".join(templates) or "none"
            raise DataError.of(
                "DatabaseTemplate", f"'{template}' is not a valid database template. Allowed values are: {allowed}."
            )
        if await self._managed.name_exists(name):
            raise name_taken(name)
        if await self._managed.data_store_name_exists(name):
            raise name_taken(name, "DataStore")
        managed_id, target_id = await self._managed.next_id(), uuid4()
        operation_id = await self._enqueue(CREATE, managed_id)
        await self._managed.add(
            ManagedDataStore(
                id=managed_id,
                target_id=target_id,
                tenant_id=self._tenant_id,
                name=name,
                database_template=template,
                template_id=templates[template],
                server=server,
                physical_name=physical_name(await self._managed.tenant_name(), name, os.urandom(16)),
                password_sealed=self._runtime.sealer.seal(generate_password().encode(), password_of(target_id)),
                operation_id=operation_id,
            )
        )
        return managed_id, operation_id

    async def delete(self, managed_id: int) -> UUID:
        """Accept a database to be removed; answers the id of the job.

        Nothing is removed while applications still reach it, nor while another operation works on it.
        """
        row, operation = _found(await self._managed.lock(managed_id), managed_id)
        status = status_of(operation.kind, State(operation.state), operation.attempts)
        if status is Status.DELETED:
            raise _not_found(managed_id)
        if status not in DELETABLE:
            raise DataError.of("Id", WHY_NOT_DELETE[status])
        await refuse_dependants(self._managed, row)
        operation_id = await self._enqueue(DELETE, managed_id)
        await self._managed.change(managed_id, operation_id=operation_id)
        return operation_id

    async def health(self, managed_id: int) -> Health:
        """Measure the database now, with its own login. An unreachable one is an answer, not an error.

        No connection of ours is held meanwhile: slow databases of tenants must not use up the pool.
        """
        async with self._runtime.sessions() as session:
            managed = ManagedDataStoreRepository(session, self._tenant_id)
            row, operation = _found(await managed.find(managed_id), managed_id)
            if status_of(operation.kind, State(operation.state), operation.attempts) is not Status.CREATED:
                raise ConflictError("The database of this managed data store is not ready.")
            spec, handle, password = await read_spec(session, self._runtime, row.target_id)
        try:
            return await self._runtime.provisioner.health(spec, handle, SecretStr(password))
        except ProvisionerError as error:
            raise BadGatewayError(errors=[str(error)]) from error

    async def _enqueue(self, kind: str, managed_id: int) -> UUID:
        workers = self._runtime.settings.workers
        return await self._operations.enqueue(
            kind,
            target_of(managed_id),
            deadline=timedelta(seconds=workers.operation_deadline_seconds),
            max_attempts=workers.max_attempts,
        )


def target_of(managed_id: int) -> str:
    """How operations name a managed data store: by its path."""
    return f"/v3/dataStores/manage/{managed_id}"


async def refuse_dependants(managed: ManagedDataStoreRepository, row: ManagedDataStore) -> None:
    """DependentItemExistsError that names what still reaches the data store."""
    dependants = [] if row.data_store_id is None else await managed.dependants(row.data_store_id)
    if dependants:
        raise DependentItemExistsError(
            f"DataStoreManage '{row.name}' is still used by {', '.join(dependants)}. Remove these references first."
        )


def _found(shown: Shown | None, managed_id: int) -> Shown:
    if shown is None:
        raise _not_found(managed_id)
    return shown


def _not_found(managed_id: int) -> NotFoundError:
    return NotFoundError(f"DataStoreManage {managed_id} not found. It may have been recently deleted.")
