"""The page is readable offline, inert, and carries the whole description."""

import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from tenant_api.web.documentation import page
from tests.api.service import Api

pytestmark = pytest.mark.anyio

VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Collects what a page is made of and fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.document = ""
        self.style = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.document += data
        elif self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.texts.append(data)


def outline(html: str) -> Outline:
    outline = Outline()
    outline.feed(html)
    outline.close()
    assert outline.open == []
    return outline


@pytest.fixture(scope="module")
async def shown(described: Api) -> Outline:
    return outline((await described.http.get("/docs")).text)


async def test_the_page_is_public_html(described: Api) -> None:
    answer = await described.http.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")


async def test_the_page_may_load_and_run_nothing(described: Api, shown: Outline) -> None:
    policy = (await described.http.get("/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert base64.b64encode(sha256(shown.style.encode()).digest()).decode() in policy
    assert "unsafe" not in policy
    addresses = [value for _, name, value in shown.attributes if name in {"href", "src", "action"}]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert not [name for _, name, _ in shown.attributes if name.startswith("on") or name == "style"]
    assert [value for tag, name, value in shown.attributes if (tag, name) == ("script", "type")] == ["application/json"]


async def test_every_link_leads_somewhere(shown: Outline) -> None:
    anchors = {value for _, name, value in shown.attributes if name == "id"}
    assert {value[1:] for _, name, value in shown.attributes if name == "href"} <= anchors


async def test_the_page_carries_the_description(shown: Outline, document: dict[str, Any]) -> None:
    assert json.loads(shown.document) == document


async def test_operations_are_shown_with_parameters_bodies_and_answers(
    shown: Outline, document: dict[str, Any]
) -> None:
    text = " ".join(shown.texts)
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert f"{method.upper()} {path}" in text
            assert described["summary"] in text
            assert described.get("description", "") in text
    for words in ("Parameters", "Body", "Answers", "orderBy", "contactEmailAddress", "VendorCreate", "Needs no token"):
        assert words in text
    assert re.search(r"at most 256", text)
    assert '"company": "Edwin SIS"' in text


async def test_the_policy_forbids_every_outside_address(described: Api) -> None:
    policy = (await described.http.get("/docs")).headers["content-security-policy"]
    allowed = dict(directive.split(" ", 1) for directive in policy.split("; "))
    style = allowed.pop("style-src")
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", style)
    assert allowed["default-src"] == "'none'"
    assert set(allowed.values()) == {"'none'"}


async def test_nothing_in_a_description_can_leave_its_place(document: dict[str, Any]) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    described = json.loads(json.dumps(document).replace("List vendors", json.dumps(evil)[1:-1]))
    shown = outline("".join(page(described)))
    assert json.loads(shown.document) == described
    assert [tag for tag, _, _ in shown.attributes if tag == "img"] == []
    assert evil in "".join(shown.texts)
