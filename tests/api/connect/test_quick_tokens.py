"""The usual token request is answered in front of the framework, exactly as the framework's own route answers it."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.api.connect.test_token_endpoint import FORM, GOOD, basic
from tests.api.service import SECRET, Api

pytestmark = pytest.mark.anyio

USUAL, FRAMEWORK = "/connect/token", "/connect/token/by-the-framework"
FORMS = {
    "good": b"grant_type=client_credentials&client_id=admin&client_secret=" + SECRET.encode(),
    "any case, blanks": b"GRANT_TYPE=Client_Credentials&Client_Id=admin&client_secret=" + SECRET.encode(),
    "wrong secret": b"grant_type=client_credentials&client_id=admin&client_secret=wrong",
    "unknown client": b"grant_type=client_credentials&client_id=nobody&client_secret=wrong",
    "another grant": b"grant_type=password&client_id=admin&client_secret=wrong",
    "repeated field": b"grant_type=client_credentials&client_id=admin&client_id=admin&client_secret=wrong",
    "no UTF-8": b"grant_type=client_credentials&client_id=%ff\xff&client_secret=wrong",
    "unstorable": b"grant_type=client_credentials&client_id=%00&client_secret=wrong",
    "too many fields": b"&".join([b"a=b"] * 1026),
    "empty": b"",
}
TYPES = [FORM, FORM.upper(), f"{FORM}; charset=utf-8"]
OF_THE_MOMENT = ("x-request-id", "traceid", "content-length")


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("body", FORMS.values(), ids=list(FORMS))
async def test_both_answer_the_same(issuer: Api, body: bytes, content_type: str) -> None:
    answers = [
        await issuer.http.post(path, content=body, headers={"Content-Type": content_type})
        for path in (USUAL, FRAMEWORK)
    ]
    quick, framework = answers
    assert quick.status_code == framework.status_code
    assert [sorted(_lasting(answer.headers)) for answer in answers] == [sorted(_lasting(framework.headers))] * 2
    members, others = quick.json(), framework.json()
    assert list(members) == list(others)
    for name in members.keys() - {"access_token", "correlationId"}:
        assert members[name] == others[name]


@pytest.mark.parametrize("form", [{}, {"client_id": "somebody", "client_secret": "else"}], ids=["alone", "over a form"])
async def test_a_header_proves_the_client_in_both(issuer: Api, form: dict[str, str]) -> None:
    for path in (USUAL, FRAMEWORK):
        sent = {"grant_type": "client_credentials", **form}
        answer = await issuer.http.post(path, data=sent, headers=basic("admin", SECRET))
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/connect/token/", "/CONNECT/Token", "/connect/tok%65n"])
async def test_every_spelling_of_the_path_grants(issuer: Api, path: str) -> None:
    assert (await issuer.http.post(path, data=GOOD)).status_code == 200


async def test_a_form_in_pieces_of_unknown_length_is_left_to_the_framework(issuer: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield FORMS["good"][:20]
        yield FORMS["good"][20:]

    answer = await issuer.http.post(USUAL, content=pieces(), headers={"Content-Type": FORM})
    assert answer.status_code == 200


async def test_a_long_form_is_left_to_the_framework(issuer: Api) -> None:
    assert (await issuer.http.post(USUAL, data={**GOOD, "padding": "x" * 20_000})).status_code == 200


def _lasting(headers: httpx2.Headers) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name not in OF_THE_MOMENT]
