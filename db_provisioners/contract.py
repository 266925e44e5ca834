"""What a database provisioner must do, and what it may ask of its host.

A call is short, convergent and repeatable: it observes, moves one stage towards the wanted state and says
whether it is done. Waiting, retrying, deadlines and saving are the engine's work. Nothing is dropped,
overwritten or adopted without proof that this installation made it; names are never proof.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable
from uuid import UUID

from pydantic import BaseModel, JsonValue, SecretStr

API_VERSION = 1

Handle = Mapping[str, JsonValue]
"""The plugin's own note about one database, stored by the engine after every call. Never holds a secret."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provisioner can do; the service answers by this declaration, never by trying."""

    templates: bool = False
    health_counts: bool = False


@dataclass(frozen=True, kw_only=True)
class TemplateRef:
    """A registered template: its name for people, its handle for the plugin that imported it.

    `fingerprint` is what a verified copy must show. `ddl` marks a template whose data plane changes the schema
    itself, so that its login owns the objects.
    """

    name: str
    handle: Handle
    fingerprint: str
    ddl: bool = False


@dataclass(frozen=True, kw_only=True)
class DatabaseSpec:
    """The wanted database.

    `target_id` is ours and never reused; it is what markers are signed over. `physical_name` is generated, at
    most 56 bytes, unique on the server. `login_verifier` is a SCRAM-SHA-256 verifier: the password itself is
    sealed in our table before the first call and never travels to the server.
    """

    target_id: UUID
    physical_name: str
    template: TemplateRef
    login_verifier: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a call got. The engine saves `handle` before it calls again.

    `retry_after` is the least wait before the next call; zero asks for it at once. `fraction` is between 0 and 1
    where it is known. `message` is one sentence for people.
    """

    done: bool
    handle: Handle
    message: str = ""
    retry_after: timedelta = timedelta(0)
    fraction: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectionInfo:
    """Where a data plane finds the database. The engine adds the password."""

    host: str
    port: int
    database: str
    username: str


class Presence(StrEnum):
    """What stands at a physical name. `UNFINISHED` is ours but a create or a drop stopped half-way."""

    ABSENT = "absent"
    OURS = "ours"
    UNFINISHED = "unfinished"
    FOREIGN = "foreign"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a look found; `detail` is one sentence for people."""

    presence: Presence
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a database is, seen with the tenant's own login.

    `latency_ms` covers connecting and one trivial statement. `counts` holds only tables that exist. Where a
    count would take too long, the planner's estimate stands and its name is in `estimated`.
    """

    available: bool
    latency_ms: float | None = None
    server_version: str | None = None
    uptime_seconds: int | None = None
    size_bytes: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    estimated: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class TemplateSource:
    """An archive to import: `pg_dump` custom format or plain SQL, either gzipped. Foreign code: never trusted."""

    template_id: UUID
    name: str
    path: Path
    ddl: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportProgress:
    """One event of a running import; the last one carries the finished template.

    `tables`, `size_bytes` and `notes` (what was left out and why) come with the last event.
    """

    message: str
    fraction: float | None = None
    template: TemplateRef | None = None
    tables: int = 0
    size_bytes: int = 0
    notes: tuple[str, ...] = ()


class Host(Protocol):
    """What the service lends to a provisioner."""

    @property
    def installation(self) -> str:
        """The id of this installation (a UUID as text), part of every marker."""
        ...

    @property
    def epoch(self) -> int:
        """How often this installation's own database was restored from a backup; part of every marker."""
        ...

    def sign(self, message: bytes) -> str:
        """HMAC-SHA256 under the newest marker key, as text with the key's id inside: `{key id}:{base64url}`."""
        ...

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether `signature` came from `sign(message)` under any key of the ring; constant time."""
        ...


@runtime_checkable
class DatabaseProvisioner(Protocol):
    """Makes, verifies, looks at and removes tenant databases.

    The service opens one instance at start and shares it between all operations. All calls raise the errors of
    `db_provisioners.errors` and nothing else. Every call may be repeated with the handle of an earlier call:
    a worker can die before it saved a later one.
    """

    name: ClassVar[str]
    api_version: ClassVar[int]
    settings_model: ClassVar[type[BaseModel]]
    capabilities: ClassVar[Capabilities]

    @property
    def server(self) -> str:
        """A stable name of the place where databases go; physical names are unique within it."""
        ...

    @classmethod
    async def open(cls, settings: Any, host: Host) -> Self:
        """Connect and prepare; ProvisionerConfigurationError if the settings cannot work. Repeatable."""
        ...

    async def close(self) -> None:
        """Release everything. A second call does no harm."""
        ...

    async def check(self) -> None:
        """Raise ProvisionerUnavailableError or ProvisionerDeniedError unless a create could start right now."""
        ...

    async def provision(self, spec: DatabaseSpec, handle: Handle) -> Progress:
        """Move one stage towards an existing, marked, closed-to-others database.

        Called until done. ForeignDatabaseError if the name is taken by something that is not ours.
        """
        ...

    async def verify(self, spec: DatabaseSpec, handle: Handle, password: SecretStr) -> Progress:
        """Prove, as the tenant's login, that the copy is usable and equals its template. VerificationError."""
        ...

    async def connect(self, spec: DatabaseSpec, handle: Handle) -> ConnectionInfo:
        """Say where the database is. Asked once the database is verified."""
        ...

    async def observe(self, spec: DatabaseSpec, handle: Handle) -> Observation:
        """Look, change nothing. Works on foreign and half-made things too."""
        ...

    async def health(self, spec: DatabaseSpec, handle: Handle, password: SecretStr) -> Health:
        """Measure as the tenant's login, never as administrator. An unreachable database is an answer, no error."""
        ...

    async def delete(self, spec: DatabaseSpec, handle: Handle) -> Progress:
        """Move one stage towards nothing of ours being left. Absent is done.

        ForeignDatabaseError if what stands there is not ours: it is left as it is.
        """
        ...

    def import_template(self, source: TemplateSource) -> AsyncIterator[ImportProgress]:
        """Restore, take over, fingerprint and seal an archive. TemplateImportError leaves nothing behind.

        A repetition with the same `template_id` removes the remains of an interrupted one first.
        """
        ...

    def samples(self) -> Mapping[str, AbstractContextManager[Path]]:
        """Archives that come with the plugin, by template name; the service imports them on its first start.

        An archive exists while its context is entered, once.
        """
        ...

    async def delete_template(self, template: TemplateRef) -> Progress:
        """Remove a sealed template that this installation made. Absent is done."""
        ...
