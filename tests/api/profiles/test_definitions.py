"""Definitions of profiles are judged by the schema and can do no harm (contract section 1.16)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_api.profiles.definition import INVALID, NAMELESS_RESOURCE, NO_RESOURCE, WRONG_NAME, faults_of
from tests.api.bodies import definition

ALL = [WRONG_NAME, INVALID, NO_RESOURCE, NAMELESS_RESOURCE]
FULL = """<?xml version="1.0" encoding="utf-16"?>
<!-- who may see what -->
<Profile name="P1">
  <Resource name="School" logicalSchema="Ed-Fi">
    <ReadContentType memberSelection="IncludeOnly">
      <Property name="nameOfInstitution"/>
      <Object name="site" memberSelection="ExcludeOnly">
        <Property name="x"/>
        <Object name="inner" memberSelection="IncludeAll" logicalSchema="Ed-Fi"/>
        <Collection name="deep" memberSelection="IncludeAll"/>
        <Extension name="own" memberSelection="IncludeAll"/>
      </Object>
      <Collection name="addresses" memberSelection="IncludeAll">
        <Property name="city"/>
        <Filter propertyName="type" filterMode="IncludeOnly"><Value>A</Value><Value>B</Value></Filter>
      </Collection>
      <Extension name="Sample" memberSelection="ExcludeAll">
        <Property name="p"/>
        <Object name="o" memberSelection="IncludeOnly"><Property name="q"/></Object>
        <Collection name="c" memberSelection="IncludeOnly">
          <Filter propertyName="type" filterMode="ExcludeOnly"/>
        </Collection>
      </Extension>
    </ReadContentType>
    <WriteContentType memberSelection="ExcludeAll"/>
  </Resource>
  <Resource name="Student"/>
</Profile>"""


def content(inside: str) -> str:
    return f'<Resource name="R"><ReadContentType memberSelection="IncludeOnly">{inside}</ReadContentType></Resource>'


@pytest.mark.parametrize("text", [FULL, definition("P1"), definition("P1", content(""))])
def test_a_valid_definition_has_no_faults(text: str) -> None:
    assert list(faults_of(text, "P1")) == []


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ALL),
        ("not xml", ALL),
        ("<Profile name='P1'>", ALL),
        ("<Profile name='P1'/>", [INVALID, NO_RESOURCE]),
        ("<Profile><Resource name='R'/></Profile>", [WRONG_NAME, INVALID]),
        ("<profile name='P1'><Resource name='R'/></profile>", [WRONG_NAME, INVALID]),
        (definition("P2"), [WRONG_NAME]),
        (definition("p1"), [WRONG_NAME]),
        (definition("P1", "<Resource/>"), [INVALID, NAMELESS_RESOURCE]),
        (definition("P1", "<Resource name=' '/>"), [NAMELESS_RESOURCE]),
        (definition("P1", "<Resource name='R' unknown='x'/>"), [INVALID]),
        (definition("P1", "<Other/>"), [INVALID, NO_RESOURCE]),
        (definition("P1", "<Resource name='R'/>text"), [INVALID]),
        (definition("P1", '<Resource name="R"><ReadContentType/></Resource>'), [INVALID]),
        (definition("P1", '<Resource name="R"><ReadContentType memberSelection="Some"/></Resource>'), [INVALID]),
        (
            definition(
                "P1",
                '<Resource name="R"><WriteContentType memberSelection="IncludeAll"/>'
                '<ReadContentType memberSelection="IncludeAll"/></Resource>',
            ),
            [INVALID],
        ),
        (definition("P1", content("<Property/>")), [INVALID]),
        (definition("P1", content('<Object name="o"/>')), [INVALID]),
        (definition("P1", content('<Object name="o" memberSelection="includeonly"/>')), [INVALID]),
        (
            definition(
                "P1",
                content(
                    '<Collection name="c" memberSelection="IncludeOnly">'
                    '<Filter propertyName="p" filterMode="IncludeAll"/></Collection>'
                ),
            ),
            [INVALID],
        ),
        ('<Profile name="P1" xmlns="urn:x"><Resource name="R"/></Profile>', [WRONG_NAME, INVALID, NO_RESOURCE]),
    ],
)
def test_each_fault_is_named(text: str, faults: list[str]) -> None:
    assert list(faults_of(text, "P1")) == faults


LAUGHS = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
PLAIN = definition("P1")


def with_type(declarations: str, text: str = PLAIN) -> str:
    return f"<!DOCTYPE Profile {declarations}>{text}"


@pytest.mark.parametrize(
    "text",
    [
        with_type('SYSTEM "file:///etc/passwd"'),
        with_type('[<!ENTITY x SYSTEM "file:///etc/passwd">]', definition("P1", '<Resource name="R"/>&x;')),
        with_type('[<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]'),
        with_type(f"[{LAUGHS}]", definition("P1", '<Resource name="R"/>&l11;')),
        with_type(f"[{LAUGHS}]", definition("P1", '<Resource name="&l11;"/>')),
        with_type('[<!ATTLIST Profile name CDATA "P1">]', '<Profile><Resource name="R"/></Profile>'),
        "<a>" * 100_000,
        definition("P1", content('<Object name="o" memberSelection="IncludeAll">' * 5000)),
    ],
)
def test_hostile_xml_is_refused_at_once(text: str) -> None:
    started = time.perf_counter()
    assert list(faults_of(text, "P1")) == ALL
    assert time.perf_counter() - started < 5


@given(st.text(), st.text())
def test_no_text_breaks_the_reader(text: str, name: str) -> None:
    assert set(faults_of(text, name)) <= set(ALL)
    assert set(faults_of(definition(name), name)) <= set(ALL)
