"""The address on which the service listens."""

import errno
import socket

from tenant_api.service.errors import ServiceError
from tenant_api.settings.environment import variable_of
from tenant_api.settings.tree import HttpSettings

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - the way back from all addresses to one of them


def bind(http: HttpSettings) -> socket.socket:
    """Take the port without accepting anything yet, so that a port in use is found before the work begins."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if listener:
            listener.close()
        raise refusal(http, error) from None
    return listener


def refusal(http: HttpSettings, error: OSError) -> ServiceError:
    """Why the port cannot be had, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return ServiceError(
            f"Port {http.port} of {http.host} is in use by another program. "
            f"Stop that program, or choose another port with {variable_of(('http', 'port'))}."
        )
    return ServiceError(f"The service cannot listen on {http.host}, port {http.port}: {error.strerror}.")


def local_url(http: HttpSettings) -> str:
    """The address of the service for callers on this machine."""
    host = ANY.get(http.host, http.host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{http.port}{http.path_base}"
