"""Reads the configured claims source (contract section 4.2)."""

import json
from pathlib import Path
from typing import Any

import structlog

from tenant_api.claim_sets.data_standards import default_document
from tenant_api.claim_sets.document import InvalidDocumentError, parse
from tenant_api.claim_sets.fragments import FragmentError, merge
from tenant_api.settings.tree import ClaimsSettings

MAIN = "Claims.json"
FRAGMENTS = "*-claimset.json"

logger = structlog.get_logger(__name__)


def read_source(settings: ClaimsSettings) -> dict[str, Any]:
    """The document that the settings name, with its fragments. InvalidDocumentError if there is no valid one."""
    if settings.directory is None or settings.source == "embedded":
        return default_document(settings.data_standard)
    if settings.source == "hybrid":
        document = default_document(settings.data_standard)
    else:
        document = _main_document(settings.directory)
    return with_fragments(document, settings.directory)


def with_fragments(document: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The document with every fragment below a directory, in the order of their paths; one that fails is left out."""
    fragments = sorted(file for file in directory.rglob(FRAGMENTS) if file.is_file())
    if not directory.is_dir():
        logger.warning("claims.directory.missing", directory=str(directory))
    for file in fragments:
        try:
            merged = merge(document, _json_in(file), default_name=file.stem)
            parse(merged)
        except (FragmentError, InvalidDocumentError) as error:
            logger.error(  # noqa: TRY400 - the reason says it all
                "claims.fragment.failed", file=str(file), reason=str(error)
            )
        else:
            document = merged
    return document


def _main_document(directory: Path) -> dict[str, Any]:
    try:
        document = _json_in(directory / MAIN)
    except FragmentError as error:
        raise InvalidDocumentError({"$.": [str(error)]}) from None
    parse(document)
    return dict(document)


def _json_in(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FragmentError(f"{file.name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise FragmentError(f"{file.name} is not valid JSON") from None
