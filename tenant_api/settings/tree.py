"""Every setting of the service with its default. `TENANT_API_HTTP__PORT` is `settings.http.port`."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from tenant_api.kernel.secrets import GENERATED_LENGTH, is_complex, rule_of_complexity
from tenant_api.settings.defaults import data_folder
from tenant_api.settings.types import (
    AddressList,
    ConnectionStringKey,
    Folder,
    HexDigest,
    JsonText,
    NetworkList,
    Origin,
    PathBase,
    Port,
    PostgresqlUrl,
    RingText,
    Seconds,
    UpperCase,
    WebAddress,
    Words,
    claims_source,
)


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class HttpSettings(Group):
    """With `forwarded_headers`, what the known proxies say about the caller counts; none known means loopback."""

    host: Words = "127.0.0.1"
    port: Port = 8081
    path_base: PathBase = ""
    public_url: WebAddress | None = None
    forwarded_headers: bool = False
    known_proxies: AddressList = ()
    known_networks: NetworkList = ()
    max_body_bytes: int = Field(30_000_000, ge=1)
    cors_origin: Origin = "http://localhost:8082"
    shutdown_grace_seconds: int = Field(10, ge=0)


class DatabaseSettings(Group):
    """Without `url` the service runs an embedded PostgreSQL of its own.

    Prepared statements belong to one connection, which a pooler between us and the server may change under us. So they
    are used where nothing can stand between, unless told otherwise.
    """

    url: PostgresqlUrl | None = None
    prepared_statements: bool | None = None
    pool_size: int = Field(10, ge=1, le=500)
    statement_timeout_seconds: int = Field(30, ge=1)
    lock_timeout_seconds: float = Field(5.0, gt=0, le=60, allow_inf_nan=False)
    migrate_on_start: bool = True

    @property
    def prepares_statements(self) -> bool:
        """What `prepared_statements` says, or what is safe."""
        return self.url is None if self.prepared_statements is None else self.prepared_statements


class EmbeddedSettings(Group):
    """Where the embedded PostgreSQL lives. Without `port` it takes a free one and keeps it.

    `administrator_id` is the client that the service makes for itself where it is told of none.
    """

    folder: Folder = Field(default_factory=lambda: data_folder({}))
    port: Port | None = None
    administrator_id: Annotated[Words, Field(max_length=100)] = "administrator"


class KeySettings(Group):
    """Key rings (`id:base64,id:base64`, newest first) and the key shared with data planes.

    Made and kept in a file in embedded mode, required with `database.url`.
    """

    sealing: RingText | None = None
    pepper: RingText | None = None
    marker: RingText | None = None
    connection_strings: ConnectionStringKey | None = None

    def given(self) -> dict[str, str]:
        """The keys that are set, in the clear, by name."""
        return {name: value.get_secret_value() for name, value in self if value is not None}


class BootstrapClient(Group):
    """An OAuth client of the service itself, made or updated at every start. With `tenant` it acts for that one."""

    id: str = Field(min_length=1, max_length=100)
    secret: SecretStr
    display_name: str = Field(min_length=1, max_length=200)
    scopes: tuple[Words, ...] = Field(min_length=1)
    role: str = ""
    tenant: Words | None = None


class IdentitySettings(Group):
    """Roles, registration and clients. A client without a role gets `service_role`."""

    service_role: Words = "cms-client"
    client_role: Words = "dms-client"
    allow_registration: bool = False
    introspection_authentication: bool = False
    registration_token_digest: HexDigest | None = None
    registration_scopes: Words = "edfi_admin_api/readonly_access edfi_admin_api/authMetadata_readonly_access"
    conceal_tenants: bool = False
    tenant_bound_clients: bool = False
    maintenance_minutes: int = Field(30, ge=1)
    secret_minimum_length: int = Field(32, ge=4)
    secret_maximum_length: int = Field(128, ge=4, le=1024, validate_default=True)
    clients: Annotated[tuple[BootstrapClient, ...], JsonText] = ()

    @property
    def generated_secret_length(self) -> int:
        """Of secrets that the service makes: the least one of chosen secrets, and never so short as to be guessed."""
        return max(GENERATED_LENGTH, self.secret_minimum_length)

    @field_validator("secret_maximum_length")
    @classmethod
    def _check_maximum(cls, longest: int, info: ValidationInfo) -> int:
        if longest < info.data.get("secret_minimum_length", longest):
            raise ValueError("must not be below the minimum length")
        return longest

    @field_validator("clients")
    @classmethod
    def _complete_clients(
        cls, clients: tuple[BootstrapClient, ...], info: ValidationInfo
    ) -> tuple[BootstrapClient, ...]:
        if len({client.id.casefold() for client in clients}) < len(clients):
            raise ValueError("ids must be distinct, also without regard to case")
        if any(client.tenant for client in clients) and not info.data.get("tenant_bound_clients"):
            raise ValueError("a client's tenant counts only with tenant_bound_clients")
        shortest, longest = info.data.get("secret_minimum_length", 4), info.data.get("secret_maximum_length", 1024)
        for client in clients:
            if not is_complex(client.secret.get_secret_value(), shortest, longest):
                raise ValueError(f"client {client.id!r}: {rule_of_complexity(shortest, longest)}")
        role = info.data.get("service_role", "")
        return tuple(client if client.role else client.model_copy(update={"role": role}) for client in clients)


class PluginChoice(Group):
    """Which plugin serves, and its own settings as text: the plugin's model judges them."""

    name: Words
    settings: dict[str, Any] = Field(default_factory=dict, repr=False)


class IdpChoice(PluginChoice):
    name: Words = "self_hosted"
    timeout_seconds: Seconds = 30.0


class ProvisionerChoice(PluginChoice):
    name: Words = "postgresql"


class WorkerSettings(Group):
    enabled: bool = True
    concurrency: int = Field(4, ge=1, le=64)
    lease_seconds: Seconds = 3.0
    poll_seconds: Seconds = 1.0
    drain_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5.0
    operation_deadline_seconds: int = Field(3600, ge=1)
    max_attempts: int = Field(5, ge=1)


class ReconciliationSettings(Group):
    """Comparisons of clients at the identity provider with the rows, and how many clients one of them may repair.

    The schedule is off at an interval of 0, and only reports at a limit of 0.
    """

    interval_minutes: int = Field(0, ge=0, le=525_600)
    scheduled_limit: int = Field(0, ge=0)
    maximum_limit: int = Field(10_000, ge=1, le=1_000_000)
    default_limit: int = Field(100, ge=1)

    @field_validator("default_limit")
    @classmethod
    def _check_default(cls, limit: int, info: ValidationInfo) -> int:
        if limit > info.data.get("maximum_limit", limit):
            raise ValueError("must not be above the maximum")
        return limit


class ApiSettings(Group):
    """What a data plane asks for that the contract leaves out by default.

    `data_store_provider` adds a member of that value to every data store: data planes cache documents by it. With
    `tenant_by_key`, reading an API client by its key needs no header `Tenant`: data planes send none there.
    """

    application_reset_endpoint: bool = False
    specification_version: Words = "v3"
    data_store_provider: Literal["postgresql", "sqlserver"] | None = None
    tenant_by_key: bool = False


class ClaimsSettings(Group):
    """Where the claim sets and the hierarchy come from that an empty database starts with.

    `embedded` is the metadata of a Data Standard, `directory` a `Claims.json` with fragments, `hybrid` the embedded
    metadata with fragments; `Filesystem`, as the Configuration Service calls it, is `directory`.
    `unrestricted_loading` opens `/management/*`.
    """

    source: Annotated[Literal["embedded", "directory", "hybrid"], BeforeValidator(claims_source)] = "embedded"
    directory: Folder | None = Field(default=None, validate_default=True)
    data_standard: Literal["5.2", "6.1"] = "5.2"
    unrestricted_loading: bool = False

    @field_validator("directory")
    @classmethod
    def _check_directory(cls, directory: Path | None, info: ValidationInfo) -> Path | None:
        if directory is None and info.data.get("source", "embedded") != "embedded":
            raise ValueError("required unless the source is embedded")
        return directory


class LogSettings(Group):
    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], UpperCase] = "INFO"
    format: Literal["json", "console"] = "json"


class Settings(Group):
    """The whole tree. `tenant_api.settings.load_settings` makes it; pass it down, never read the environment."""

    multi_tenancy: bool = False
    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    embedded: EmbeddedSettings = Field(default_factory=EmbeddedSettings)
    keys: KeySettings = KeySettings()
    identity: IdentitySettings = IdentitySettings()
    idp: IdpChoice = IdpChoice()
    provisioner: ProvisionerChoice = ProvisionerChoice()
    workers: WorkerSettings = WorkerSettings()
    reconciliation: ReconciliationSettings = ReconciliationSettings()
    api: ApiSettings = ApiSettings()
    claims: ClaimsSettings = ClaimsSettings()
    log: LogSettings = LogSettings()

    @field_validator("identity")
    @classmethod
    def _check_bound_clients(cls, identity: IdentitySettings, info: ValidationInfo) -> IdentitySettings:
        if identity.tenant_bound_clients and not info.data.get("multi_tenancy"):
            raise ValueError("IDENTITY__TENANT_BOUND_CLIENTS needs MULTI_TENANCY")
        return identity
