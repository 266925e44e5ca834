"""The HTTP composition root: the only module that knows every feature."""

from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import MethodNotAllowedException
from litestar.plugins.pydantic import PydanticPlugin
from litestar.types import ASGIApp, ControllerRouterHandler

from tenant_api.api_clients.controller import ApiClientController
from tenant_api.applications.controller import (
    ApplicationController,
    ApplicationResetController,
    DataStoreApplicationController,
    VendorApplicationController,
)
from tenant_api.claim_sets.controller import AuthorizationMetadataController, ClaimSetController
from tenant_api.claim_sets.loading_controller import ClaimsController
from tenant_api.claim_sets.memory import ClaimsMemory
from tenant_api.claim_sets.reference_controller import (
    ActionController,
    ResourceClaimController,
    StrategyController,
)
from tenant_api.claim_sets.references import applications_without_claim_set
from tenant_api.connect.controller import ConnectController, DiscoveryController, IssuerStatusController
from tenant_api.connect.quick_tokens import QuickTokens
from tenant_api.credentials.controller import KeyController, SecretController
from tenant_api.data_store_contexts.controller import DataStoreContextController
from tenant_api.data_store_derivatives.controller import DataStoreDerivativeController
from tenant_api.data_stores.controller import DataStoreController
from tenant_api.db.session import provide_session
from tenant_api.identity.controller import ReconciliationController
from tenant_api.managed_data_stores.controller import ManagedDataStoreController
from tenant_api.managed_data_stores.metrics import MetricsController
from tenant_api.oauth2.controller import OAuthController, ServerMetadataController
from tenant_api.oauth2.errors import render_method
from tenant_api.oauth2.registration_controller import RegistrationController
from tenant_api.oauth2.tokens import is_served
from tenant_api.operations.controller import JobController
from tenant_api.profiles.controller import ProfileController
from tenant_api.tenants.controller import TenantController
from tenant_api.tenants.removal_controller import TenantRemovalController
from tenant_api.vendors.controller import VendorController
from tenant_api.web.admission import admit
from tenant_api.web.cors import Cors
from tenant_api.web.documentation import DocumentationController
from tenant_api.web.edge import Edge
from tenant_api.web.forwarded import ForwardedHeaders
from tenant_api.web.health import HealthController
from tenant_api.web.information import InformationController
from tenant_api.web.openapi import Installation, OpenApiController, document
from tenant_api.web.paths import PathTable
from tenant_api.web.problems import EXCEPTION_HANDLERS
from tenant_api.web.state import Runtime
from tenant_api.web.tenancy import Tenancy
from tenant_api.worker import PLANS

ROUTES: list[ControllerRouterHandler] = [
    VendorController,
    VendorApplicationController,
    ApplicationController,
    ApiClientController,
    SecretController,
    KeyController,
    DataStoreController,
    DataStoreApplicationController,
    DataStoreContextController,
    DataStoreDerivativeController,
    ManagedDataStoreController,
    ProfileController,
    ClaimSetController,
    AuthorizationMetadataController,
    ActionController,
    StrategyController,
    ResourceClaimController,
    ClaimsController,
    ReconciliationController,
    JobController,
    ConnectController,
    IssuerStatusController,
    InformationController,
    OpenApiController,
    DocumentationController,
    HealthController,
    MetricsController,
]


OAUTH: list[ControllerRouterHandler] = [OAuthController, RegistrationController, ServerMetadataController]


def routes(runtime: Runtime) -> list[ControllerRouterHandler]:
    """What this installation serves; what the settings leave out is not there at all."""
    settings = runtime.settings
    tenants = [TenantController, TenantRemovalController] if settings.multi_tenancy else []
    resets = [ApplicationResetController] if settings.api.application_reset_endpoint else []
    discovery = [DiscoveryController] if runtime.idp.capabilities.issues_tokens else []
    oauth = OAUTH if is_served(runtime) else []
    return [*ROUTES, *tenants, *resets, *discovery, *oauth]


def whole_document() -> dict[str, Any]:
    """The description of an installation that offers all there is, with no address of any: needs no database."""
    everything = [*ROUTES, TenantController, TenantRemovalController, ApplicationResetController, DiscoveryController]
    app = Litestar([*everything, *OAUTH], dependencies={"session": Provide(provide_session)}, openapi_config=None)
    return document(app, Installation(multi_tenancy=True, issuer=""))


def create_app(runtime: Runtime) -> ASGIApp:
    """The whole service for one process. The runtime stays the caller's to close."""
    return assemble(application(runtime), runtime)


def application(runtime: Runtime) -> Litestar:
    """The routes with their rules. They depend on the settings and on nothing else of the runtime."""
    return Litestar(
        routes(runtime),
        dependencies={"session": Provide(provide_session)},
        exception_handlers={**EXCEPTION_HANDLERS, MethodNotAllowedException: render_method},
        guards=[admit],
        logging_config=None,
        openapi_config=None,
        plugins=[PydanticPlugin(prefer_alias=True)],
        request_max_body_size=runtime.settings.http.max_body_bytes,
    )


def assemble(app: Litestar, runtime: Runtime) -> ASGIApp:
    """Give the application what it works on, and put before it what every request passes."""
    settings = runtime.settings
    app.state = State(
        {
            "runtime": runtime,
            "plans": PLANS,
            "counts": {"applicationsWithoutClaimSet": applications_without_claim_set},
            "claims": ClaimsMemory(runtime.pool, runtime.sessions),
        }
    )
    inner: ASGIApp = QuickTokens(app, runtime)
    if settings.multi_tenancy:
        inner = _tenancy(inner, runtime)
    inner = Cors(inner, origin=settings.http.cors_origin)
    paths = PathTable(str(route.path) for route in app.routes)
    edge: ASGIApp = Edge(inner, paths=paths, path_base=settings.http.path_base)
    http = settings.http
    if not http.forwarded_headers:
        return edge
    return ForwardedHeaders(edge, proxies=http.known_proxies, networks=http.known_networks)


def _tenancy(app: ASGIApp, runtime: Runtime) -> ASGIApp:
    identity = runtime.settings.identity
    conceal = identity.conceal_tenants or identity.tenant_bound_clients
    by_key = runtime.settings.api.tenant_by_key
    return Tenancy(app, lambda: runtime.tenants, conceal=conceal, by_key=by_key)
