"""What requests for new secrets were answered, so that a repeated request gets the same answer."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlmodel import Field

from tenant_api.db.base import TIMESTAMP, Row


class ApiClientSecretAnswer(Row, table=True):
    """One answer, sealed and kept for a bounded time. `request_digest` tells a repetition from another request."""

    __tablename__ = "api_client_secret_answers"
    __table_args__ = (UniqueConstraint("api_client_id", "idempotency_key"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    api_client_id: int = Field(sa_column_args=[ForeignKey("api_clients.id", ondelete="CASCADE")])
    idempotency_key: str = Field(max_length=255)
    request_digest: str = Field(max_length=64)
    answer_sealed: str = Field(repr=False)
    expires_at: datetime = Field(sa_type=TIMESTAMP, index=True)
