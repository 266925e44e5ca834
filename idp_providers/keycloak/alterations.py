"""What somebody changed by hand at a client of ours, beyond what its state tells."""

from collections.abc import Iterable, Mapping

from idp_providers.contract import ClientSpec, ClientState
from idp_providers.keycloak.representation import (
    ALWAYS_THERE,
    FIXED,
    LONGEST_NAME,
    Mapper,
    StoredClient,
    held_scopes,
    mappers,
    scope_lists,
)
from idp_providers.keycloak.settings import KeycloakSettings

UNSET = (
    "access.token.lifespan",
    "access.token.signed.response.alg",
    "access.token.header.type.rfc9068",
    "client.use.lightweight.access.token.enabled",
    "client_credentials.use_refresh_token",
    "dpop.bound.access.tokens",
    "tls.client.certificate.bound.access.tokens",
    "oauth2.device.authorization.grant.enabled",
    "oauth2.jwt.authorization.grant.enabled",
    "oidc.ciba.grant.enabled",
    "standard.token.exchange.enabled",
)
"""Attributes of Keycloak's that change tokens, or open other ways to them. We set none of them.

They are named one by one: Keycloak and its console add others of their own, which do no harm.
"""
_NOTHING = (None, "", "false")


def is_altered(client: StoredClient, state: ClientState, settings: KeycloakSettings) -> bool:
    """Whether a client that is wanted as `state` reads would not be made as this one is.

    A change that `state` shows (a claim, the role, a scope) is none by itself: whoever compares that finds it.
    """
    spec = _as_it_reads(state)
    return (
        client.name != spec.display_name[:LONGEST_NAME]
        or client.fixed != FIXED
        or bool(to_unset(client))
        or _told(client.mappers) != _told(mappers(spec, settings))
        or _scopes(client) != scope_lists(sorted(held_scopes(spec)))
    )


def to_unset(client: StoredClient) -> Mapping[str, str]:
    """The attributes that an update has to clear."""
    return {name: "" for name in UNSET if client.attributes.get(name) not in _NOTHING}


def _as_it_reads(state: ClientState) -> ClientSpec:
    return ClientSpec(
        client_id=state.client_id,
        display_name=state.display_name,
        role=state.role,
        scopes=state.scopes,
        claims=state.claims,
        enabled=state.enabled,
    )


def _scopes(client: StoredClient) -> tuple[list[str], list[str]]:
    return sorted({*client.default_scopes} - {ALWAYS_THERE}), sorted(client.optional_scopes)


def _told(found: Iterable[Mapper]) -> list[tuple[str, str, list[tuple[str, str | None]]]]:
    """What mappers say, in one order. Switches that are off may as well not be there."""
    return sorted(
        (
            mapper.name,
            mapper.kind,
            sorted((name, value) for name, value in mapper.config.items() if value not in _NOTHING),
        )
        for mapper in found
    )
