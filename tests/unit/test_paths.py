"""Which paths are routed where."""

import pytest

from tenant_api.web.paths import PathTable

TABLE = PathTable(
    ["/", "/v3/vendors", "/v3/vendors/{id:str}", "/v3/vendors/{id:str}/applications", "/token", "/token/{context:path}"]
)


@pytest.mark.parametrize(
    ("sent", "routed"),
    [
        ("/", "/"),
        ("/V3/VENDORS", "/v3/vendors"),
        ("/v3/vendors/", "/v3/vendors"),
        ("/v3/vend%6Frs", "/v3/vendors"),
        ("/v3/vendors/aB%20c/Applications/", "/v3/vendors/aB c/applications"),
        ("/v3/vendors/%252F", "/v3/vendors/%2F"),
        ("/Token/Any/Thing", "/token/Any/Thing"),
        ("/token/a%2Fb", "/token/a/b"),
    ],
)
def test_a_path_is_routed_in_its_own_spelling(sent: str, routed: str) -> None:
    match = TABLE.match(sent)
    assert match is not None
    assert match.path == routed


@pytest.mark.parametrize(
    "sent",
    [
        "*",
        "//",
        "v3/vendors",
        "x/v3/vendors",
        "//v3/vendors",
        "/v3//vendors",
        "/v3/vendors//",
        "/v3/vendors//applications",
        "/v3%2Fvendors",
        "/v3/vendors%2F",
        "/v3/vendors/%2F",
        "/v3/vendors/1%2Fapplications",
        "/v3/vendors/1%2fapplications",
    ],
)
def test_slashes_in_excess_or_encoded_lead_nowhere(sent: str) -> None:
    assert TABLE.match(sent) is None
