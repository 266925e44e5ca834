"""What all tables share: own metadata, named constraints, times with a zone, who wrote the row."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, MetaData, func
from sqlmodel import Field, SQLModel

from tenant_api.kernel import lengths
from tenant_api.kernel.caller import current_caller

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

TIMESTAMP: Any = DateTime(timezone=True)


class Row(SQLModel):
    """Base of every table. Rows are storage: never validated, never returned from a handler."""

    metadata: ClassVar[MetaData] = metadata


class Stamped(Row):
    """When a row was made and changed, and by whom."""

    created_at: datetime | None = Field(
        default=None, sa_type=TIMESTAMP, sa_column_kwargs={"server_default": func.now(), "nullable": False}
    )
    created_by: str = Field(default_factory=current_caller, max_length=lengths.CALLER)
    modified_at: datetime | None = Field(default=None, sa_type=TIMESTAMP, sa_column_kwargs={"onupdate": func.now()})
    modified_by: str | None = Field(
        default=None, max_length=lengths.CALLER, sa_column_kwargs={"onupdate": current_caller}
    )
