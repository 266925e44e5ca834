"""Constraint names become the contract's sentences. Only repositories come here."""

from collections.abc import Mapping

from psycopg import errors as pg
from sqlalchemy.exc import IntegrityError

from tenant_api.kernel.errors import TenantApiError

Sentences = Mapping[str, TenantApiError]


def conflict_of(error: IntegrityError, sentences: Sentences) -> TenantApiError | IntegrityError:
    """The refusal that the violated constraint stands for, or the error itself if nobody foresaw it."""
    cause = error.orig
    name = cause.diag.constraint_name if isinstance(cause, pg.IntegrityError) else None
    return sentences.get(name or "", error)
