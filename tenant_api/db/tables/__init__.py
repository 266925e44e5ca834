"""Every table, for Alembic and for repositories. Foreign keys cross features, so tables live together."""

from tenant_api.db.tables.api_client_secret_answers import ApiClientSecretAnswer
from tenant_api.db.tables.applications import ApiClient, ApiClientDataStore, Application
from tenant_api.db.tables.claim_sets import (
    AuthorizationStrategy,
    ClaimNode,
    ClaimsDocument,
    ClaimSet,
    ClaimSetPermission,
    ResourceClaim,
)
from tenant_api.db.tables.data_stores import DataStore, DataStoreContext, DataStoreDerivative
from tenant_api.db.tables.identity import IdentityDrift, IdentityIntent, IdentityReconciliation
from tenant_api.db.tables.managed_data_stores import ManagedDataStore
from tenant_api.db.tables.operations import Operation, OperationStep
from tenant_api.db.tables.profiles import ApplicationProfile, Profile
from tenant_api.db.tables.templates import Template
from tenant_api.db.tables.tenants import DEFAULT_TENANT_ID, DEFAULT_TENANT_NAME, Installation, Tenant, TenantClient
from tenant_api.db.tables.vendors import Vendor

__all__ = [
    "DEFAULT_TENANT_ID",
    "DEFAULT_TENANT_NAME",
    "ApiClient",
    "ApiClientDataStore",
    "ApiClientSecretAnswer",
    "Application",
    "ApplicationProfile",
    "AuthorizationStrategy",
    "ClaimNode",
    "ClaimSet",
    "ClaimSetPermission",
    "ClaimsDocument",
    "DataStore",
    "DataStoreContext",
    "DataStoreDerivative",
    "IdentityDrift",
    "IdentityIntent",
    "IdentityReconciliation",
    "Installation",
    "ManagedDataStore",
    "Operation",
    "OperationStep",
    "Profile",
    "ResourceClaim",
    "Template",
    "Tenant",
    "TenantClient",
    "Vendor",
]
