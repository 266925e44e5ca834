"""The mapping of another service's settings has all of its keys and names only settings of ours that exist."""

import re
from pathlib import Path
from typing import Any

import pytest

from tenant_api.settings.environment import Catalogue
from tenant_api.settings.tree import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration-service-settings.md"
KEYS = {
    "AppSettings": (
        "Datastore IdentityProvider MultiTenancy DeployDatabaseOnStartup EnableApplicationResetEndpoint PathBase "
        "SpecificationVersion TokenRequestTimeoutSeconds ReverseProxy:UseForwardedHeaders ReverseProxy:KnownProxies "
        "ReverseProxy:KnownNetworks"
    ),
    "DatabaseSettings": "DatabaseConnection EncryptionKey",
    "ApplicationLockSettings": "AcquireTimeout",
    "ClaimsOptions": "ClaimsSource ClaimsDirectory DataStandardVersion DangerouslyEnableUnrestrictedClaimsLoading",
    "IdentitySettings": (
        "Authority Audience ClientId ClientSecret ConfigServiceRole ClientRole RoleClaimType AllowRegistration "
        "RequireHttpsMetadata EncryptionKey TokenExpirationMinutes TokenCleanupEnabled TokenCleanupIntervalMinutes "
        "ClientSecretValidation:MinimumLength ClientSecretValidation:MaximumLength UseCertificates "
        "UseDevelopmentCertificates DevCertificatePath DevCertificatePassword CertificatePath CertificatePassword "
        "KeyFormatCacheSize OpenIddictTokenExpirationTimeMinutes ClientSecretHashingIterations MaxKeyCacheSize "
        "HashingIterations"
    ),
    "Cors": "SwaggerUIOrigin",
    "OtlpLogging": "Enabled Endpoint Protocol ServiceName Headers DeploymentEnvironment",
}
"""All that the other service reads (management API contract, section 10.1)."""


def test_every_key_has_one_row_with_a_setting_or_a_reason() -> None:
    rows = re.findall(r"^\| `(\w+:[\w:]+)` \| (\S.*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    wanted = [f"{section}:{name}" for section, names in KEYS.items() for name in names.split()]
    assert sorted(key for key, _ in rows) == sorted(wanted)


DEFAULTS = {
    "AppSettings:IdentityProvider": "self-contained",
    "AppSettings:MultiTenancy": "false",
    "AppSettings:DeployDatabaseOnStartup": "true",
    "AppSettings:EnableApplicationResetEndpoint": "false",
    "AppSettings:SpecificationVersion": "v3",
    "AppSettings:TokenRequestTimeoutSeconds": "30",
    "AppSettings:ReverseProxy:UseForwardedHeaders": "false",
    "ApplicationLockSettings:AcquireTimeout": "5",
    "ClaimsOptions:ClaimsSource": "embedded",
    "ClaimsOptions:DataStandardVersion": "5.2",
    "ClaimsOptions:DangerouslyEnableUnrestrictedClaimsLoading": "false",
    "IdentitySettings:Authority": "5126",
    "IdentitySettings:Audience": "account",
    "IdentitySettings:ClientId": "DmsConfigurationService",
    "IdentitySettings:ConfigServiceRole": "cms-client",
    "IdentitySettings:ClientRole": "dms-client",
    "IdentitySettings:RoleClaimType": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    "IdentitySettings:AllowRegistration": "false",
    "IdentitySettings:TokenExpirationMinutes": "1800",
    "IdentitySettings:TokenCleanupIntervalMinutes": "30",
    "IdentitySettings:ClientSecretValidation:MinimumLength": "32",
    "IdentitySettings:ClientSecretValidation:MaximumLength": "128",
    "Cors:SwaggerUIOrigin": "http://localhost:8082",
}
"""Its defaults, where it has any, in our units."""


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_is_the_same_or_the_difference_is_said(key: str) -> None:
    row = rf"^\| `{key}` \| `TENANT_API_(\w+)` \| (.*) \|$"
    [(setting, said)] = re.findall(row, DOCUMENT.read_text(), re.MULTILINE)
    ours, _, theirs = said.partition("where it says")
    assert DEFAULTS[key] in (theirs or ours)
    if not setting.startswith("IDP__SETTINGS"):  # those of a plugin are in settings.md
        value: Any = Settings()
        for name in setting.lower().split("__"):
            value = getattr(value, name)
        assert ours.split("`")[1] == str(value).removesuffix(".0").replace("True", "true").replace("False", "false")


def test_every_setting_in_the_mapping_exists() -> None:
    named = re.findall(r"`(TENANT_API_\w*\w)`", DOCUMENT.read_text())
    catalogue = Catalogue.of(Settings)
    assert len(named) > 30
    assert [name for name in named if catalogue.find(name) is None and name != "TENANT_API_IDP__SETTINGS__"] == []
