"""Ctrl-C may come at any moment of the demo."""

import signal

import pytest

from tenant_api.cli.demo import temporary_service
from tenant_api.cli.demo.temporary_service import TemporaryService


def test_an_interruption_while_a_process_starts_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[object] = []

    class Interrupted:
        """In place of a child process: Ctrl-C comes when it is there and nobody has been told yet."""

        def __init__(self, *_: object) -> None:
            signal.raise_signal(signal.SIGINT)

        def stop(self) -> None:
            stopped.append(self)

    monkeypatch.setattr(temporary_service, "Process", Interrupted)
    with pytest.raises(KeyboardInterrupt), TemporaryService(keep=False) as service:
        service.start_worker()
    assert len(stopped) == 1
    assert not service.folder.exists()
