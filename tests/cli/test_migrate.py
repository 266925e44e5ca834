"""`migrate` on an external database."""

import json

from tenant_api.db import migrations
from tests.cli.command import Cli, external


def test_an_empty_database_is_brought_to_the_newest_revision(cli: Cli, empty_database_url: str) -> None:
    ran = cli("migrate", "--json", **external(empty_database_url))
    assert ran.code == 0
    assert json.loads(ran.out) == {"before": None, "after": migrations.newest_revision()}
    assert migrations.current_revision(empty_database_url) == migrations.newest_revision()


def test_repeating_it_does_nothing(cli: Cli, database_url: str) -> None:
    ran = cli("migrate", **external(database_url))
    assert ran.code == 0
    assert "already" in ran.out
