"""The mapping of another service's settings names only settings of ours that exist."""

import re
from pathlib import Path

from tenant_api.settings.environment import Catalogue
from tenant_api.settings.tree import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration-service-settings.md"


def test_every_setting_in_the_mapping_exists() -> None:
    named = re.findall(r"`(TENANT_API_\w*\w)`", DOCUMENT.read_text())
    catalogue = Catalogue.of(Settings)
    assert len(named) > 30
    assert [name for name in named if catalogue.find(name) is None and name != "TENANT_API_IDP__SETTINGS__"] == []
