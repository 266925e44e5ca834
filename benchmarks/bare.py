"""The process of the bare application."""

from pathlib import Path
from typing import Self

from benchmarks.bare_application import DOCUMENT_VARIABLE, URL_VARIABLE
from benchmarks.child import Child, free_port, listens
from benchmarks.profiled import Profiler


class Bare:
    """Starts at once, ends on leaving. `document` is the authorization metadata that it hands out."""

    def __init__(self, database_url: str, folder: Path, document: bytes) -> None:
        file = folder / "metadata.json"
        file.write_bytes(document)
        self.port = free_port()
        self._child = Child(
            "benchmarks.bare_application",
            str(self.port),
            environment={URL_VARIABLE: database_url, DOCUMENT_VARIABLE: str(file)},
            folder=folder,
            settled=lambda: listens(self.port),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()

    @property
    def profiler(self) -> Profiler:
        return self._child.profiler
