"""Ports of loopback for servers that cannot choose one themselves."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that the system gives to nobody else meanwhile, however long its server takes to come.

    On Linux it answers nobody until a server listens there that sets SO_REUSEADDR, as all of the tests' do.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield int(keeper.getsockname()[1])
