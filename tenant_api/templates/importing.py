"""Imports archives as templates, and makes the built-in ones on first start."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from db_provisioners.contract import ImportProgress, TemplateRef, TemplateSource
from db_provisioners.errors import ProvisionerError, TemplateImportError
from tenant_api.templates.repository import TemplateRepository, reference_of
from tenant_api.web.state import Runtime

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,49}")

logger = structlog.get_logger(__name__)


async def import_template(
    runtime: Runtime, name: str, archive: Path, *, ddl: bool = False
) -> AsyncIterator[ImportProgress]:
    """Import an archive under a name; creates from then on use it, those under way keep the old version.

    TemplateImportError leaves everything as it was. An interrupted import is cleared up by the next one of its name.
    """
    if not NAME.fullmatch(name):
        raise TemplateImportError(
            "A template's name has 1 to 50 letters, digits, spaces, dots, hyphens and underscores, "
            "and begins with a letter or a digit."
        )
    async with _alone(runtime, name):
        async with runtime.sessions.begin() as session:
            template_id = await _templates(session, runtime).begin(name, ddl=ddl)
        try:
            source = TemplateSource(template_id=template_id, name=name, path=archive, ddl=ddl)
            async for progress in runtime.provisioner.import_template(source):
                if progress.template is not None:
                    await _finish(runtime, template_id, progress.template, progress)
                yield progress
        except TemplateImportError:
            async with runtime.sessions.begin() as session:
                await _templates(session, runtime).abandon(template_id)
            raise
        await remove_unused(runtime)


async def remove_unused(runtime: Runtime) -> None:
    """Drop the databases of versions that were replaced; what fails now is tried again after the next import."""
    async with runtime.sessions() as session:
        unused = await _templates(session, runtime).unused()
    for row in unused:
        try:
            done = (await runtime.provisioner.delete_template(reference_of(row))).done
        except ProvisionerError as error:
            logger.warning("template.removal.failed", template=row.name, error=str(error))
            continue
        if done:
            async with runtime.sessions.begin() as session:
                await _templates(session, runtime).emptied(row.id)


class ImportRunningError(TemplateImportError):
    """Another process is importing a template of this name right now."""


async def _finish(runtime: Runtime, template_id: UUID, template: TemplateRef, last: ImportProgress) -> None:
    async with runtime.sessions.begin() as session:
        await _templates(session, runtime).make_current(
            template, template_id, tables=last.tables, size_bytes=last.size_bytes, notes=list(last.notes)
        )


def _templates(session: AsyncSession, runtime: Runtime) -> TemplateRepository:
    return TemplateRepository(session, runtime.provisioner.server)


@asynccontextmanager
async def _alone(runtime: Runtime, name: str) -> AsyncIterator[None]:
    """One import per server and name; the lock dies with this process."""
    key = f"tenant-api template {runtime.provisioner.server} {name}"
    async with await psycopg.AsyncConnection.connect(runtime.database_url, autocommit=True) as connection:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (key,))
        row = await cursor.fetchone()
        if row is None or not row[0]:
            raise ImportRunningError(f"Another import of the template {name!r} is running.")
        yield
