"""The service's own OAuth clients, made or brought up to date at every start (contract section 3.8)."""

import asyncio

import structlog

from idp_providers.contract import ClientSecret, ClientSpec, IdentityProvider
from idp_providers.errors import ClientAlreadyExistsError, IdpError, IdpUnavailableError
from tenant_api.settings.tree import BootstrapClient
from tenant_api.web.state import Runtime

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds before a provider that was away at the start is asked again; doubled each time."""

logger = structlog.get_logger(__name__)


async def bootstrap(idp: IdentityProvider, clients: tuple[BootstrapClient, ...]) -> None:
    """Repeatable, and safe when several replicas start at once."""
    for client in clients:
        await _put(idp, client)


async def bootstrap_if_present(runtime: Runtime, clients: tuple[BootstrapClient, ...]) -> bool:
    """`bootstrap`, or False and a remark in the readiness if a provider on another machine is away.

    What repeating cannot help stops a start, and so does our own database.
    """
    try:
        await bootstrap(runtime.idp, clients)
    except IdpUnavailableError as error:
        if runtime.idp.capabilities.transactional:
            raise
        _note(runtime, error)
        return False
    return True


async def keep_bootstrapping(runtime: Runtime, clients: tuple[BootstrapClient, ...], stop: asyncio.Event) -> None:
    """Repeat a bootstrap that found no provider until it succeeds; ends with `stop`, and not before."""
    delay = FIRST_DELAY
    while not await _stopped(stop, delay):
        delay = min(2 * delay, LONGEST_DELAY)
        try:
            await bootstrap(runtime.idp, clients)
        except IdpError as error:
            _note(runtime, error)
        else:
            runtime.provider_health.waiting = None
            logger.info("identity.clients.made")
            break
    await stop.wait()


def _note(runtime: Runtime, error: IdpError) -> None:
    runtime.provider_health.waiting = type(error).__name__
    write = logger.warning if isinstance(error, IdpUnavailableError) else logger.error
    write("identity.clients.waiting", error=str(error))


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Whether it came within this time."""
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False


async def _put(idp: IdentityProvider, client: BootstrapClient) -> None:
    spec = ClientSpec(client_id=client.id, display_name=client.display_name, role=client.role, scopes=client.scopes)
    secret = ClientSecret(value=client.secret.get_secret_value(), chosen=True)
    try:
        await idp.create_client(spec, secret)
    except ClientAlreadyExistsError:
        await idp.update_client(spec)
        await idp.replace_secret(client.id, secret)
