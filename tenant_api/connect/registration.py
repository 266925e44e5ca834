"""Lets a client of the service itself register, while the operator allows it (contract section 1.19)."""

from idp_providers.contract import ClientSecret, ClientSpec, IdentityProvider
from idp_providers.errors import ClientAlreadyExistsError, IdpError
from tenant_api.connect.schemas import RegistrationForm
from tenant_api.kernel.errors import SEE_ERRORS, AuthorizationError, DataError
from tenant_api.kernel.secrets import is_complex, rule_of_complexity
from tenant_api.settings.tree import IdentitySettings
from tenant_api.web.gateway import failure_of
from tenant_api.web.operation import FULL_ACCESS


class Registration:
    """Makes clients with the service's role and full access, from requests that nobody authenticated."""

    def __init__(self, idp: IdentityProvider, settings: IdentitySettings) -> None:
        self._idp = idp
        self._settings = settings

    def require_allowed(self) -> None:
        """AuthorizationError unless the operator switched registration on."""
        if not self._settings.allow_registration:
            raise AuthorizationError(SEE_ERRORS, errors=["Registration is disabled."])

    async def register(self, wanted: RegistrationForm) -> None:
        """Make the client. DataError names what is wrong with the form, also an id that is taken."""
        if failures := self._failures(wanted):
            raise DataError(validation_errors=failures)
        await self._bind(wanted.client_id)
        spec = ClientSpec(
            client_id=wanted.client_id,
            display_name=wanted.display_name,
            role=self._settings.service_role,
            scopes=(FULL_ACCESS,),
        )
        try:
            await self._idp.create_client(spec, ClientSecret(value=wanted.client_secret, chosen=True))
        except ClientAlreadyExistsError:
            taken = "Client with the same Client Id already exists. Please provide different Client Id."
            raise DataError.of("ClientId", taken) from None
        except IdpError as error:
            raise failure_of(self._idp, error) from None

    async def _bind(self, client_id: str) -> None:
        """Decide which tenants a client acts for before it is made: for all of them."""

    def _failures(self, wanted: RegistrationForm) -> dict[str, list[str]]:
        failures = wanted.failures()
        shortest, longest = self._settings.secret_minimum_length, self._settings.secret_maximum_length
        if wanted.client_secret and not is_complex(wanted.client_secret, shortest, longest):
            failures.setdefault("ClientSecret", []).append(rule_of_complexity(shortest, longest))
        return failures
