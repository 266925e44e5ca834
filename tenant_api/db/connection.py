"""Connections that say when they are the reason of a failure."""

from typing import Any, Self

from psycopg import AsyncConnection, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.rows import Row


class DatabaseAwayError(OperationalError):
    """There is no connection, or it broke: whoever asks again may be answered.

    The driver raises the same class, without a SQLSTATE, for its own refusals of a statement; those are defects.
    """


class ServiceConnection(AsyncConnection[Row]):
    """A connection of the driver, for SQLAlchemy's engine and for the pool alike."""

    @classmethod
    async def connect(cls, *args: Any, **kwargs: Any) -> Self:
        """DatabaseAwayError if there is none to be had."""
        try:
            return await super().connect(*args, **kwargs)
        except OperationalError as error:
            raise DatabaseAwayError(*error.args) from error

    async def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """Every exchange with the server; DatabaseAwayError if the connection breaks and no SQLSTATE says why."""
        try:
            return await super().wait(gen, *args, **kwargs)
        except OperationalError as error:
            if self.closed and error.sqlstate is None:
                raise DatabaseAwayError(*error.args) from error
            raise
