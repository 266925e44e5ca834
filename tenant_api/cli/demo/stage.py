"""Shows each step of the story: its request, its answer, its time. Secrets are shortened."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tenant_api.cli.api import Answer, Api, RefusedError
from tenant_api.cli.output import Output, Report

Result = TypeVar("Result")

SECRET = {"secret", "client_secret", "access_token", "connectionString"}
ONE_LINE = 100
STYLES = {"→": "cyan", "←": "green", "$": "cyan", "=": "green"}


class Stage:
    """Prints for people; remembers everything for `--json`."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.steps: list[dict[str, Any]] = []
        self._started = time.perf_counter()
        self._acts = 0

    @property
    def seconds(self) -> float:
        """Since the story began."""
        return time.perf_counter() - self._started

    def act(self, title: str) -> None:
        """A new chapter."""
        self._acts += 1
        if not self.output.as_json:
            self.output.console.print()
            self.output.console.print(f"{self._acts}. {title}", style="bold")

    def note(self, text: str) -> None:
        """A sentence in between."""
        self.output.say(f"   {text}")

    def call(self, api: Api, method: str, path: str, body: Any = None) -> Answer:
        """One request of the story; a refusal ends the story."""
        self._asks(f"{method} {path}", body)
        answer = api.call(method, path, body)
        self._answers(f"{method} {path}", body, answer)
        return answer

    def refused(self, api: Api, method: str, path: str) -> Answer:
        """One request that must be refused."""
        self._asks(f"{method} {path}", None)
        try:
            answer = api.call(method, path)
        except RefusedError as error:
            self._answers(f"{method} {path}", None, error.answer)
            return error.answer
        raise AssertionError(f"{method} {path} was answered with {answer.status} instead of a refusal")

    def token(self, api: Api, key: str, secret: str) -> str:
        """A token for an application's credential."""
        request = "POST /connect/token"
        form = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
        self._asks(request, form)
        answer = api.request_token(key, secret)
        self._answers(request, form, answer)
        token: str = answer.body["access_token"]
        return token

    def deed(self, description: str, work: Callable[[], Result]) -> Result:
        """Something outside the API, with its time. What it returns is shown if it is text or an object."""
        self._show("$", None, description)
        started = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
        shown = result if isinstance(result, str | dict | list) else None
        self.steps.append({"deed": description, "result": discreet(shown), "seconds": round(seconds, 3)})
        self._show("=", shown, f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s")
        return result

    @contextmanager
    def following(self, job_id: str) -> Iterator[Report]:
        """A job on its way, with a progress display."""
        started = time.perf_counter()
        with self.output.progress(f"   … GET /v3/jobs/{job_id}") as report:
            yield report
        seconds = time.perf_counter() - started
        self.steps.append({"deed": f"follow job {job_id}", "result": None, "seconds": round(seconds, 3)})
        self.note(f"✓ job {job_id} after {seconds:.1f} s")

    def _asks(self, request: str, body: Any) -> None:
        self._show("→", body, request)

    def _answers(self, request: str, body: Any, answer: Answer) -> None:
        step = {"request": request, "body": discreet(body), "status": answer.status, "answer": discreet(answer.body)}
        self.steps.append({**step, "seconds": round(answer.seconds, 3)})
        self._show("←", answer.body or answer.location, f"{answer.status} in {answer.seconds * 1000:.0f} ms")

    def _show(self, mark: str, value: Any, heading: str) -> None:
        if self.output.as_json:
            return
        text = "" if value is None else value if isinstance(value, str) else written(discreet(value))
        first, *rest = f"{heading}  {text}".rstrip().splitlines()
        self.output.console.print(f"   {mark} {first}", style=STYLES[mark])
        for line in rest:
            self.output.console.print(f"     {line}", style=STYLES[mark])


def discreet(value: Any) -> Any:
    """The same JSON value with its secrets shortened."""
    if isinstance(value, dict):
        return {name: _short(item) if name in SECRET else discreet(item) for name, item in value.items()}
    if isinstance(value, list):
        return [discreet(item) for item in value]
    return value


def written(value: Any, room: int = ONE_LINE) -> str:
    """JSON on as few lines as can be read."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    if len(line) <= room or not isinstance(value, dict | list) or not value:
        return line
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}: {written(item, room - len(name) - 6)}" for name, item in value.items()]
    else:
        items = [written(item, room - 2) for item in value]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    inner = ",\n".join(items).replace("\n", "\n  ")
    return f"{opening}\n  {inner}\n{closing}"


def _short(secret: Any) -> Any:
    return f"{secret[:6]}… ({len(secret)} characters)" if isinstance(secret, str) else secret
