"""Reads and writes template rows inside the caller's transaction; never commits."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, delete, exists, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from db_provisioners.contract import TemplateRef
from tenant_api.db.tables import ManagedDataStore, Operation, Template
from tenant_api.operations.states import OPEN


class TemplateRepository:
    """Templates of one server."""

    def __init__(self, session: AsyncSession, server: str) -> None:
        self._session = session
        self._server = server

    async def current(self) -> Sequence[Template]:
        """The templates that a create may name."""
        return (await self._session.exec(self._of("current").order_by(col(Template.name)))).all()

    async def begin(self, name: str, *, ddl: bool) -> UUID:
        """The id under which to import; that of an interrupted import if there is one, so that it is cleared up."""
        interrupted = (await self._session.exec(self._of("importing").where(col(Template.name) == name))).first()
        if interrupted is not None:
            interrupted.ddl = ddl
            return interrupted.id
        template_id = uuid4()
        self._session.add(Template(id=template_id, server=self._server, name=name, ddl=ddl))
        return template_id

    async def abandon(self, template_id: UUID) -> None:
        """An import failed and left nothing behind."""
        await self._session.exec(
            delete(Template).where(col(Template.id) == template_id, col(Template.state) == "importing")
        )

    async def make_current(self, reference: TemplateRef, template_id: UUID, **facts: Any) -> None:
        """Point the name at the new version, in one step for everybody who creates."""
        await self._session.exec(
            update(Template)
            .where(
                col(Template.server) == self._server,
                col(Template.name) == reference.name,
                col(Template.state) == "current",
            )
            .values(state="retired")
        )
        await self._session.exec(
            update(Template)
            .where(col(Template.id) == template_id)
            .values(state="current", handle=dict(reference.handle), fingerprint=reference.fingerprint, **facts)
        )

    async def unused(self) -> Sequence[Template]:
        """Retired versions whose database still stands and that no open operation clones."""
        in_use = exists(
            select(ManagedDataStore.id)
            .join(Operation, col(Operation.id) == col(ManagedDataStore.operation_id))
            .where(col(ManagedDataStore.template_id) == col(Template.id), col(Operation.state).in_(OPEN))
        )
        statement = self._of("retired").where(col(Template.handle) != {}, ~in_use)
        return (await self._session.exec(statement)).all()

    async def emptied(self, template_id: UUID) -> None:
        """The database of a retired version is gone; its row stays for those that were cloned from it."""
        await self._session.exec(update(Template).where(col(Template.id) == template_id).values(handle={}))

    def _of(self, state: str) -> SelectOfScalar[Template]:
        return select(Template).where(col(Template.server) == self._server, col(Template.state) == state)


def reference_of(row: Template) -> TemplateRef:
    """A row in the terms of its provisioner."""
    return TemplateRef(name=row.name, handle=row.handle, fingerprint=row.fingerprint, ddl=row.ddl)
