"""A server of their own for the tests that kill: what they find on it is theirs."""

import pytest

from tests.crash.environment import Environment, prepare
from tests.parts import run


@pytest.fixture(scope="session")
def environment(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return prepare(run.shared_server(f"crash-{worker_id}"), tmp_path_factory.mktemp("crash"))
