"""From an archive of unknown origin to a sealed template.

The archive's code runs as a throwaway login that can reach nothing but the staging database, and that login is
gone before the template is used. The staging database is the template: it is only sealed, not copied or renamed.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from uuid import UUID

import psycopg
from pydantic import SecretStr

from db_provisioners.contract import ImportProgress, TemplateRef, TemplateSource
from db_provisioners.errors import ProvisionerError, TemplateImportError
from db_provisioners.postgresql.archive import recognised
from db_provisioners.postgresql.extensions import available, refuse_use
from db_provisioners.postgresql.failures import sentence
from db_provisioners.postgresql.fingerprint import fingerprint, table_count
from db_provisioners.postgresql.restore import Outline, Restore
from db_provisioners.postgresql.rules import Rules
from db_provisioners.postgresql.server import Login, Server
from db_provisioners.postgresql.staging import Staging
from db_provisioners.postgresql.templates import TemplateNote, template_database

_TICK = 0.2


class TemplateImport:
    """One import. `events` may be left at any time; what it began is then removed, or by the next import of the id."""

    def __init__(self, server: Server, staging: Staging, tools: Path, *, timeout: float) -> None:
        self._server = server
        self._staging = staging
        self._tools = tools
        self._timeout = timeout

    async def events(self, source: TemplateSource) -> AsyncIterator[ImportProgress]:
        name = template_database(source.template_id)
        login = Login(name, name, SecretStr(secrets.token_urlsafe(32)))
        finished = False
        with tempfile.TemporaryDirectory(prefix="template-import-") as folder:
            try:
                async with aclosing(self._stages(source, login, Path(folder))) as stages:
                    async for event in stages:
                        finished = event.template is not None
                        yield event
            except psycopg.Error as error:
                raise TemplateImportError(f"The archive cannot become a template: {sentence(error)}.") from None
            except OSError as error:
                raise TemplateImportError(f"The archive cannot be unpacked here: {error.strerror}.") from None
            finally:
                if not finished:
                    with suppress(ProvisionerError, psycopg.Error):
                        await self._staging.remove(source.template_id)

    async def _stages(self, source: TemplateSource, login: Login, folder: Path) -> AsyncGenerator[ImportProgress]:
        yield ImportProgress(message="Reading the archive.", fraction=0.0)
        archive = await asyncio.to_thread(recognised, source.path)
        restore = Restore(archive, self._tools, folder)
        outline = await asyncio.to_thread(restore.outline)
        yield ImportProgress(message="Preparing the server.", fraction=0.0)
        await self._staging.remove(source.template_id)
        oids = await self._staging.create(source.template_id)
        rules, left_out = await self._prepare(source.template_id, login, outline)
        async with aclosing(self._restored(restore, login, folder, rules, left_out)) as fractions:
            async for fraction in fractions:
                yield ImportProgress(message="Restoring the archive.", fraction=fraction)
        yield ImportProgress(message="Checking what was restored.", fraction=0.99)
        seen, tables, size = await self._inspect(login, left_out)
        await self._staging.take_over(login)
        note = TemplateNote(template_id=source.template_id, database=login.database, size_bytes=size, oids=oids)
        template = TemplateRef(name=source.name, handle=note.handle, fingerprint=seen, ddl=source.ddl)
        yield ImportProgress(
            message="The template is ready.",
            fraction=1.0,
            template=template,
            tables=tables,
            size_bytes=size,
            notes=_notes(left_out, rules),
        )

    async def _prepare(self, template_id: UUID, login: Login, outline: Outline) -> tuple[Rules, list[str]]:
        wanted = [extension for extension in outline.extensions if extension.name != "plpgsql"]
        async with self._server.administer() as administrator:
            offered = await available(administrator, wanted)
            version = administrator.info.server_version
        made = [extension for extension in wanted if extension.name in offered]
        schemas = await self._staging.let_in(template_id, login, made)
        left_out = sorted({extension.name for extension in wanted} - offered)
        return Rules(server_version=version, schemas=schemas), left_out

    async def _restored(
        self, restore: Restore, login: Login, folder: Path, rules: Rules, left_out: list[str]
    ) -> AsyncGenerator[float]:
        """Yield how far it is, until it is done."""
        passfile = folder / "pgpass"
        passfile.touch(mode=0o600)
        passfile.write_text(f"*:*:*:*:{login.password.get_secret_value()}\n")
        conninfo = self._server.without_password(login)
        work = asyncio.ensure_future(asyncio.to_thread(restore.run, conninfo, passfile, rules))
        deadline = time.monotonic() + self._timeout
        try:
            while not (await asyncio.wait({work}, timeout=_TICK))[0]:
                if time.monotonic() > deadline:
                    restore.stop(f"It took longer than {self._timeout:.0f} seconds.")
                yield restore.fraction
            work.result()
        except TemplateImportError as error:
            raise TemplateImportError(f"{error}{_lacking(left_out)}") from None
        finally:
            restore.stop("It was left.")
            await asyncio.wait({work})
            work.exception()  # seen, whoever left first

    async def _inspect(self, login: Login, left_out: list[str]) -> tuple[str, int, int]:
        """Fingerprint, tables and size. As the throwaway login: even ANALYZE may run what the archive planted."""
        async with self._server.visit(login, read_only=False, seconds=self._timeout) as visitor:
            await visitor.execute("ANALYZE")
            if left_out:
                await refuse_use(visitor, left_out)
            size = await visitor.execute("SELECT pg_database_size(current_database())")
            row = await size.fetchone()
            assert row is not None
            return await fingerprint(visitor), await table_count(visitor), int(row[0])


def _lacking(left_out: list[str]) -> str:
    return f" The server does not offer the extension {', '.join(left_out)}." if left_out else ""


def _notes(left_out: list[str], rules: Rules) -> tuple[str, ...]:
    extensions = [
        f"The extension {name} was left out: the server does not offer it, and nothing uses it." for name in left_out
    ]
    return (*extensions, *(f"Left out: {number} x {what}." for what, number in rules.notes.items()))
