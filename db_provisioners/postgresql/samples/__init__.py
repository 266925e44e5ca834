"""The built-in templates *Minimal* and *Sample*: a small Ed-Fi-shaped schema and a made-up district to fill it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

SAMPLES = {"Minimal": ("schema.sql",), "Sample": ("schema.sql", "seed.sql")}


@contextmanager
def sample_path(name: str) -> Iterator[Path]:
    """The archive of a built-in template, to be imported like any other; it exists as long as the context does."""
    with tempfile.TemporaryDirectory(prefix="tenant-api-sample-") as folder:
        archive = Path(folder, f"{name}.sql")
        archive.write_text("\n".join(files(__name__).joinpath(part).read_text() for part in SAMPLES[name]))
        yield archive
