"""A client of the service: HTTP with JSON, a token when one is needed, refusals as sentences."""

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2
import rich_click as click

from tenant_api.cli.access import Access
from tenant_api.cli.output import printable

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the service said, and how long it took. `job_id`: the job that completes what was asked, if there is one."""

    status: int
    body: Any
    location: str | None
    job_id: str | None = None
    seconds: float = field(compare=False)


class RefusedError(click.ClickException):
    """The service refused; the message is readable, `answer` has the whole problem."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(_sentence(answer))


class Api:
    """Calls one service as one client."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._http = httpx2.Client(base_url=access.url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The body of a GET."""
        return self.call("GET", path, params=query).body

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """One request with token and tenant; RefusedError for 400 and above."""
        headers = {"Authorization": f"Bearer {self._token or self._authenticate()}"}
        if self.access.tenant is not None:
            headers["Tenant"] = self.access.tenant
        if body is not None:
            more["json"] = body
        return self._send(method, path, headers=headers, **more)

    def request_token(self, client_id: str, client_secret: str) -> Answer:
        """A client-credentials grant; its body holds the token."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        return self._send("POST", "/connect/token", data=form)

    def _authenticate(self) -> str:
        token: str = self.request_token(self.access.client_id, self.access.client_secret).body["access_token"]
        self._token = token
        return token

    def _send(self, method: str, path: str, **more: Any) -> Answer:
        started = time.perf_counter()
        try:
            answered = self._http.request(method, path, **more)
        except httpx2.TimeoutException:
            raise click.ClickException(f"The service at {self.access.url} did not answer in time.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise click.ClickException(
                f"No service answers at {self.access.url}: {error}. Start it with: tenant-api serve"
            ) from None
        answer = Answer(
            status=answered.status_code,
            body=_body(answered),
            location=answered.headers.get("location"),
            job_id=answered.headers.get("operation-location", "").rpartition("/")[2] or None,
            seconds=time.perf_counter() - started,
        )
        if answer.status >= 400:
            raise RefusedError(answer)
        return answer


def _body(answered: httpx2.Response) -> Any:
    if not answered.content:
        return None
    try:
        return answered.json()
    except ValueError:
        return answered.text


def _sentence(answer: Answer) -> str:
    """The reasons of a problem body, else its detail, in front of the status."""
    body = answer.body if isinstance(answer.body, dict) else {}
    reasons = [reason for given in body.get("validationErrors", {}).values() for reason in given]
    reasons += body.get("errors", [])
    said = " ".join(reasons) or body.get("detail") or body.get("title") or "The service answered with an error."
    return printable(f"{said} ({answer.status} {body.get('title', '')})".replace(" )", ")"))
