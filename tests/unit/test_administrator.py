"""The client that an embedded service makes for itself."""

from pathlib import Path

from tenant_api.service import administrator
from tenant_api.settings.tree import EmbeddedSettings

URL = "http://127.0.0.1:8081"


def test_it_is_made_once_and_brought_up_to_date(tmp_path: Path) -> None:
    first, is_new = administrator.prepare(EmbeddedSettings(folder=tmp_path), URL, 32)
    assert (first.client_id, is_new) == ("administrator", True)
    moved, is_new = administrator.prepare(EmbeddedSettings(folder=tmp_path), "http://127.0.0.1:9000", 32)
    assert (moved.url, moved.client_secret, is_new) == ("http://127.0.0.1:9000", first.client_secret, False)


def test_another_id_is_taken_where_somebody_else_has_the_usual_one(tmp_path: Path) -> None:
    first, _ = administrator.prepare(EmbeddedSettings(folder=tmp_path), URL, 32)
    named = EmbeddedSettings(folder=tmp_path, administrator_id="tenant-api-administrator")
    other, is_new = administrator.prepare(named, URL, 32)
    assert (other.client_id, other.client_secret, is_new) == (named.administrator_id, first.client_secret, False)
    assert administrator.read(tmp_path / administrator.FILE) == other
