"""The service's own OAuth clients, made or brought up to date at every start (contract section 3.8)."""

from idp_providers.contract import ClientSecret, ClientSpec, IdentityProvider
from idp_providers.errors import ClientAlreadyExistsError
from tenant_api.settings.tree import BootstrapClient


async def bootstrap(idp: IdentityProvider, clients: tuple[BootstrapClient, ...]) -> None:
    """Repeatable, and safe when several replicas start at once."""
    for client in clients:
        await _put(idp, client)


async def _put(idp: IdentityProvider, client: BootstrapClient) -> None:
    spec = ClientSpec(client_id=client.id, display_name=client.display_name, role=client.role, scopes=client.scopes)
    secret = ClientSecret(value=client.secret.get_secret_value(), chosen=True)
    try:
        await idp.create_client(spec, secret)
    except ClientAlreadyExistsError:
        await idp.update_client(spec)
        await idp.replace_secret(client.id, secret)
