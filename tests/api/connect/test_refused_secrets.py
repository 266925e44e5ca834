"""To a caller, an operator's client with a wrong secret and a client that does not exist take the same time."""

import httpx2
import pytest

from idp_providers.self_hosted.settings import SelfHostedSettings
from tests.api.service import serving
from tests.clocks import JumpingClock, let_checks_take_as_long

pytestmark = pytest.mark.anyio

DELAY = SelfHostedSettings().failed_secret_delay_seconds
OF_THE_MOMENT = ("x-request-id", "content-length")


def lasting(answer: httpx2.Response) -> tuple[object, ...]:
    """What of an answer does not differ from request to request."""
    headers = sorted(pair for pair in answer.headers.items() if pair[0] not in OF_THE_MOMENT)
    body = {name: value for name, value in answer.json().items() if name != "correlationId"}
    return answer.status_code, headers, body


@pytest.mark.parametrize("path", ["/oauth2/token", "/connect/token", "/connect/token/by-the-framework"])
async def test_known_and_unknown_operators_are_refused_after_the_same_time(
    shared_url: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    clock, answers = JumpingClock(), {}
    monkeypatch.setattr("idp_providers.self_hosted.secrets.Clock", lambda: clock)
    let_checks_take_as_long(monkeypatch)
    settings = {"FAILED_SECRETS_PER_MINUTE": "3", "FAILED_SECRET_DELAY_SECONDS": str(DELAY)}
    async with serving(shared_url, **{f"IDP__SETTINGS__{name}": value for name, value in settings.items()}) as api:
        for client_id in ("admin", "nobody"):
            for number in range(5):
                began = clock.now()
                form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": f"guess {number}"}
                answer = await api.http.post(path, data=form)
                answers[client_id, number] = lasting(answer)
                assert clock.now() - began == DELAY
    known, unknown = ([answers[client_id, number] for number in range(5)] for client_id in ("admin", "nobody"))
    if path == "/oauth2/token":
        assert [answer[0] for answer in known] == [401, 401, 401, 429, 429]
        assert known == unknown
    else:
        # The contract has them told apart in words (section 1.19), throttled or not.
        assert {answer[0] for answer in (*known, *unknown)} == {401}
        assert known == [known[0]] * 5
        assert unknown == [unknown[0]] * 5
