"""Who is calling: recorded with every row that a request writes."""

from contextvars import ContextVar

SYSTEM = "system"

_caller: ContextVar[str] = ContextVar("caller", default=SYSTEM)


def current_caller() -> str:
    """The client id of the request's token, or `system` outside a request."""
    return _caller.get()


def set_caller(client_id: str) -> None:
    """Remember the caller for the rest of this request."""
    _caller.set(client_id)
