"""Templates: sealed databases from which managed data stores are cloned."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenant_api.db.base import TIMESTAMP, Row
from tenant_api.kernel import lengths


class Template(Row, table=True):
    """One version of a template. The current version of a name is a pointer: its state."""

    __tablename__ = "templates"
    __table_args__ = (
        CheckConstraint("state IN ('importing', 'current', 'retired')", name="state"),
        Index("uq_templates_current", "server", "name", unique=True, postgresql_where=text("state = 'current'")),
    )

    id: UUID = Field(primary_key=True)
    server: str
    name: str = Field(max_length=lengths.TEMPLATE_NAME)
    state: str = Field(default="importing")
    handle: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": "{}"})
    fingerprint: str = Field(default="")
    ddl: bool = Field(default=False)
    tables: int = Field(default=0)
    size_bytes: int = Field(default=0, sa_type=BigInteger)
    notes: list[str] = Field(default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": "[]"})
    created_at: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )
