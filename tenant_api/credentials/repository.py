"""Answers to requests for secrets, kept sealed for a day so that a repeated request gets the same one."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.db.sealed import secret_answer_of
from tenant_api.db.tables import ApiClientSecretAnswer
from tenant_api.kernel.clock import utcnow
from tenant_api.kernel.errors import ConflictError
from tenant_api.kernel.sealing import Sealer, SealError
from tenant_api.web.state import Pool

KEPT = timedelta(hours=24)

_LOST = (
    "The answer under this 'Idempotency-Key' cannot be read any more: the key that sealed it is gone. "
    "Send the request with another one."
)


@dataclass(frozen=True)
class IdempotencyKey:
    """What a caller calls its request, and a digest of what it asks for."""

    text: str
    request_digest: str


@dataclass(frozen=True)
class KeptAnswer:
    """An earlier answer, and the digest of what it answered."""

    request_digest: str
    body: str = field(repr=False)


class AnswerRepository:
    """Answers of one API client. Callers hold a lock on its application, so that no two requests cross."""

    def __init__(self, session: AsyncSession, sealer: Sealer) -> None:
        self._session = session
        self._sealer = sealer

    async def find(self, api_client_id: int, key: IdempotencyKey) -> KeptAnswer | None:
        """The answer that a key got, as long as it is kept; ConflictError if no sealing key opens it any more."""
        statement = select(ApiClientSecretAnswer).where(
            col(ApiClientSecretAnswer.api_client_id) == api_client_id,
            col(ApiClientSecretAnswer.idempotency_key) == key.text,
            col(ApiClientSecretAnswer.expires_at) > utcnow(),
        )
        row = (await self._session.exec(statement)).first()
        if row is None:
            return None
        try:
            body = self._sealer.unseal(row.answer_sealed, secret_answer_of(row.id)).decode()
        except SealError:
            raise ConflictError(_LOST) from None
        return KeptAnswer(row.request_digest, body)

    async def keep(self, api_client_id: int, key: IdempotencyKey, body: str) -> None:
        """Keep an answer instead of one that is too old."""
        await self._session.exec(
            delete(ApiClientSecretAnswer).where(
                col(ApiClientSecretAnswer.api_client_id) == api_client_id,
                col(ApiClientSecretAnswer.idempotency_key) == key.text,
            )
        )
        id = uuid4()
        self._session.add(
            ApiClientSecretAnswer(
                id=id,
                api_client_id=api_client_id,
                idempotency_key=key.text,
                request_digest=key.request_digest,
                answer_sealed=self._sealer.seal(body.encode(), secret_answer_of(id)),
                expires_at=utcnow() + KEPT,
            )
        )
        await self._session.flush()


async def forget_answers(pool: Pool) -> None:
    """Erase answers that were kept long enough. Repeatable, on every replica."""
    async with pool.connection() as connection:
        await connection.execute("DELETE FROM api_client_secret_answers WHERE expires_at < %s", (utcnow(),))
