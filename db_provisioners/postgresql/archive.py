"""What an archive file is, told by its first bytes: names lie."""

import gzip
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from db_provisioners.errors import TemplateImportError

_GZIP = b"\x1f\x8b"
_CUSTOM = b"PGDMP"
_TAR_MAGIC = slice(257, 262)


class Format(StrEnum):
    CUSTOM = "custom"
    PLAIN = "plain"


@dataclass(frozen=True)
class Archive:
    path: Path
    format: Format
    gzipped: bool

    def open(self) -> BinaryIO:
        """The archive's own bytes, unzipped."""
        return cast("BinaryIO", gzip.open(self.path)) if self.gzipped else self.path.open("rb")

    @property
    def file_size(self) -> int:
        return self.path.stat().st_size


def recognised(path: Path) -> Archive:
    """TemplateImportError for what is neither a custom-format dump nor plain SQL."""
    path = path.absolute()  # the tools run elsewhere
    try:
        with path.open("rb") as file:
            gzipped = file.read(2) == _GZIP
        archive = Archive(path, Format.PLAIN, gzipped)
        with archive.open() as file:
            head = file.read(512)
    except (OSError, EOFError, zlib.error) as error:
        raise TemplateImportError(f"The archive cannot be read: {type(error).__name__}.") from None
    if head.startswith(_CUSTOM):
        return Archive(path, Format.CUSTOM, gzipped)
    if not head:
        raise TemplateImportError("The archive is empty.")
    if head[_TAR_MAGIC] == b"ustar":
        raise TemplateImportError("The archive is in tar format; make it with pg_dump --format=custom.")
    if b"\0" in head:
        raise TemplateImportError("The archive is neither a custom-format dump nor plain SQL.")
    return archive
