"""Brings a database to the schema of this version. The scripts travel inside the wheel."""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tenant_api.db.urls import sqlalchemy_url


def scripts_folder() -> Path:
    """The migration scripts: inside an installed wheel, else the checkout's `alembic/`."""
    package = Path(str(files("tenant_api")))
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "alembic"


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate forward. Waits for another migration of the same database; repeating it does nothing."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate back, for development."""
    command.downgrade(_config(url), revision)


def newest_revision() -> str:
    """The revision that this version of the service needs."""
    head = ScriptDirectory(str(scripts_folder())).get_current_head()
    assert head is not None
    return head


def is_behind(current: str | None) -> bool:
    """Whether a migration of this version has not been applied. A later version may have gone further."""
    known = [script.revision for script in ScriptDirectory(str(scripts_folder())).walk_revisions()]
    return current is None or current in known[1:]


def current_revision(url: str) -> str | None:
    """The revision that the database is at, or None before the first migration."""
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts_folder()))
    config.attributes["url"] = url
    return config
