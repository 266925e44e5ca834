"""A service in a process of its own, to be killed; forked, because that is faster than a new interpreter."""

import json
import os
import signal
import traceback
from dataclasses import asdict
from pathlib import Path

from tenant_api.embedded import EmbeddedServer, ServerAddress


class Service:
    def __init__(self, folder: Path) -> None:
        told, self._tell = os.pipe()
        self._hear, said = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._tell)
            _run(folder, said, told)
        os.close(told)
        os.close(said)

    def address(self) -> ServerAddress:
        return ServerAddress(**json.loads(os.read(self._hear, 4096)))

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> int:
        """Tell it to stop and return its exit status."""
        os.close(self._tell)
        os.close(self._hear)
        return os.waitpid(self.pid, 0)[1]


def _run(folder: Path, say: int, hear: int) -> None:
    status = 1
    try:
        with EmbeddedServer(folder, durable=False) as address:
            os.write(say, json.dumps(asdict(address)).encode())
            os.read(hear, 1)
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it must not return into pytest
        traceback.print_exc()
    finally:
        os._exit(status)
