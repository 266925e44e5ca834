"""The suite's own database server: the embedded PostgreSQL, as the service would start it."""

from tenant_api.embedded import ServerAddress
from tests.parts import run


def embedded_server() -> ServerAddress:
    return run.shared_server("embedded")
