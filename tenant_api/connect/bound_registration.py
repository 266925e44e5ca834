"""Registration where the settings bind clients to tenants: whoever registers acts for one tenant alone."""

from sqlmodel.ext.asyncio.session import AsyncSession

from tenant_api.connect.registration import Registration
from tenant_api.kernel.errors import SEE_ERRORS, AuthorizationError
from tenant_api.tenants.clients import TenantClientRepository
from tenant_api.web.state import Runtime
from tenant_api.web.tenancy import find_tenant


class BoundRegistration(Registration):
    """Makes clients of the tenant that the header `Tenant` names. The binding is committed with the client."""

    def __init__(self, runtime: Runtime, session: AsyncSession, header: str) -> None:
        super().__init__(runtime.idp, runtime.settings.identity)
        self._runtime = runtime
        self._session = session
        self._header = header

    def require_allowed(self) -> None:
        """AuthorizationError unless it is switched on, fits into one transaction and gives no tenant away.

        Where tenants are concealed, an anonymous caller must not learn from a refusal which names there are.
        """
        super().require_allowed()
        if self._settings.conceal_tenants or not self._idp.capabilities.transactional:
            raise AuthorizationError(SEE_ERRORS, errors=["Registration is disabled."])

    async def _bind(self, client_id: str) -> None:
        """BadRequestError if no tenant is named or there is none of that name; DataError if the id is taken."""
        tenant_id = await find_tenant(self._runtime.tenants, self._header)
        await TenantClientRepository(self._session).add(client_id, tenant_id)


def registration_of(runtime: Runtime, session: AsyncSession, header: str) -> Registration:
    """How clients register at this installation; `header` is what `Tenant` says."""
    if runtime.settings.identity.tenant_bound_clients:
        return BoundRegistration(runtime, session, header)
    return Registration(runtime.idp, runtime.settings.identity)
