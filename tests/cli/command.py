"""Commands in this process: what they are given, their exit code and what they print."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tenant_api.__main__ import main


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Cli:
    """Runs commands with these environment variables and no others of ours."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, **more: str) -> Ran:
        for name in [name for name in os.environ if name.startswith(("TENANT_API_", "TA_"))]:
            self.monkeypatch.delenv(name)
        for name, value in {**self.environment, **more}.items():
            self.monkeypatch.setenv(name, value)
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = self.capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)


def external(url: str, **more: str) -> dict[str, str]:
    """The environment of a service on an external database."""
    rings = {name: "k1:" + letter * 42 + "A=" for name, letter in (("SEALING", "s"), ("PEPPER", "p"), ("MARKER", "m"))}
    keys = {f"TENANT_API_KEYS__{name}": text for name, text in rings.items()}
    shared = {"TENANT_API_KEYS__CONNECTION_STRINGS": "a-key-that-data-planes-share-with-us"}
    return {"TENANT_API_DATABASE__URL": url, **keys, **shared, **more}
