"""A database cluster on disk, made beside its home and renamed into it, so that it is either whole or absent."""

import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from tenant_api.embedded import child, private_file
from tenant_api.embedded.account import Account
from tenant_api.embedded.errors import EmbeddedServerStartError
from tenant_api.embedded.lock import FileLock

SUPERUSER = "postgres"
INITDB_DEADLINE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Cluster:
    """Its home holds the data folder and the superuser's password."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def password(self) -> str:
        return (self.home / "password").read_text(encoding="utf-8")

    @property
    def last_port(self) -> int | None:
        """The port of the last server, which connection strings that were handed out name."""
        try:
            return int((self.home / "port").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    def remember_port(self, port: int) -> None:
        if port != self.last_port:
            private_file.write(self.home / "port", str(port))


def create(home: Path, programs: Path, account: Account, *, durable: bool) -> Cluster:
    """Make a cluster that only lets in who proves a password (SCRAM), or leave nothing that hinders a later try."""
    _remove_interrupted(home)
    draft = home.with_name(f".{home.name}.{secrets.token_hex(8)}")
    draft.mkdir(mode=0o700)
    account.admit(draft)
    cluster = Cluster(draft)
    cluster.data.mkdir(mode=0o700)
    private_file.write(draft / "password", secrets.token_urlsafe(32))
    for path in (cluster.data, draft / "password"):
        account.own(path)
    _initdb(cluster, programs, account, durable=durable)
    draft.rename(home)
    private_file.sync_folder(home.parent)
    return Cluster(home)


def _initdb(cluster: Cluster, programs: Path, account: Account, *, durable: bool) -> None:
    arguments = [str(programs / "initdb"), f"--pgdata={cluster.data}", f"--username={SUPERUSER}"]
    arguments += ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions"]
    arguments += [f"--pwfile={cluster.home / 'password'}", *([] if durable else ["--no-sync"])]
    lock = FileLock(cluster.home / "lock")
    log = cluster.home / "initdb.log"
    try:
        # initdb inherits the lock: it shows for how long an initdb that outlives us still writes into the draft.
        outcome = child.run(account, arguments, log, lock.acquire(), INITDB_DEADLINE_SECONDS)
    finally:
        lock.release()
    if outcome != 0:
        raise EmbeddedServerStartError(f"initdb failed and said: {child.last_words(log)}")
    lock.path.unlink()
    log.unlink()


def _remove_interrupted(home: Path) -> None:
    pattern = re.compile(rf"\.{re.escape(home.name)}\.[0-9a-f]{{16}}")
    for draft in [entry for entry in home.parent.iterdir() if pattern.fullmatch(entry.name)]:
        lock = FileLock(draft / "lock")
        lock.acquire(patience_seconds=INITDB_DEADLINE_SECONDS)
        try:
            shutil.rmtree(draft)
        finally:
            lock.release()
