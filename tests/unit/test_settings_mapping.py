"""The mapping of another service's settings has all of its keys and names only settings of ours that exist."""

import re
from pathlib import Path

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


def test_every_setting_in_the_mapping_exists() -> None:
    named = re.findall(r"`(TENANT_API_\w*\w)`", DOCUMENT.read_text())
    catalogue = Catalogue.of(Settings)
    assert len(named) > 30
    assert [name for name in named if catalogue.find(name) is None and name != "TENANT_API_IDP__SETTINGS__"] == []
