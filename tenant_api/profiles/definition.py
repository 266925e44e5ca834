"""The XML of a profile, which comes from outside: read without entities, files or network, judged by our schema."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from lxml import etree

WRONG_NAME = "Name must match the name attribute in the XML definition."
INVALID = "Profile definition XML is invalid or does not match the XSD."
NO_RESOURCE = "Profile XML must contain at least one <Resource> element."
NAMELESS_RESOURCE = "All <Resource> elements must have a name attribute."


def faults_of(definition: str, name: str) -> Iterator[str]:
    """What keeps this text from being the definition of the profile `name`, in the contract's words.

    A text that cannot be read, or brings a document type of its own, has all faults.
    """
    profile = _read(definition)
    if profile is None:
        yield from (WRONG_NAME, INVALID, NO_RESOURCE, NAMELESS_RESOURCE)
        return
    resources = profile.findall(".//Resource")
    if profile.tag != "Profile" or profile.get("name") != name:
        yield WRONG_NAME
    if not _schema().validate(profile):
        yield INVALID
    if not resources:
        yield NO_RESOURCE
    if any(not (resource.get("name") or "").strip() for resource in resources):
        yield NAMELESS_RESOURCE


def _read(definition: str) -> etree._Element | None:
    # The encoding that a declaration names was that of the sender's file, not that of this text.
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        profile = etree.fromstring(definition.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return None
    return None if profile.getroottree().docinfo.internalDTD is not None else profile


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(files("tenant_api.profiles").joinpath("profile.xsd").read_bytes()))
