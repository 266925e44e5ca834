"""Whether a client at the provider is what our rows want it to be."""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from idp_providers.contract import ClientClaims, ClientSpec, ClientState


class Drift(StrEnum):
    """In which way a client differs. `FOREIGN` stands alone: what we did not make is not compared any further.

    A proof of ownership by an older key is one of the details: bringing the client in line makes it anew. `MISSING`
    is also a client without its secret: once it is repaired, its credential must be reset just the same.
    """

    MISSING = "missing"
    FOREIGN = "foreign"
    CLAIMS_DIFFER = "claimsDiffer"
    ENABLED_DIFFERS = "enabledDiffers"
    DETAILS_DIFFER = "detailsDiffer"


def agrees(state: ClientState, wanted: ClientSpec) -> bool:
    """Whether an update would change nothing. In doubt, as where a provider does not tell the claims, it would."""
    return not any(_differences(state, wanted, live_claims=False))


def drift_of(state: ClientState | None, wanted: ClientSpec, *, live_claims: bool) -> frozenset[Drift]:
    """Every way in which a client differs. With live claims a client holds none, and no name that tokens would say."""
    if state is None:
        return frozenset({Drift.MISSING})
    if not state.owned:
        return frozenset({Drift.FOREIGN})
    lost = {Drift.MISSING} if state.secret_lost else set()
    return frozenset({*lost, *_differences(state, wanted, live_claims=live_claims)})


def _differences(state: ClientState, wanted: ClientSpec, *, live_claims: bool) -> Iterator[Drift]:
    if state.enabled != wanted.enabled:
        yield Drift.ENABLED_DIFFERS
    if state.role != wanted.role or state.stale or state.altered:
        yield Drift.DETAILS_DIFFER
    if live_claims:
        return
    if (state.display_name, _name_of(state.claims)) != (wanted.display_name, _name_of(wanted.claims)):
        yield Drift.DETAILS_DIFFER
    if sorted(state.scopes) != sorted(wanted.scopes) or _nameless(state.claims) != _nameless(wanted.claims):
        yield Drift.CLAIMS_DIFFER


def _name_of(claims: ClientClaims | None) -> str | None:
    return claims.display_name if claims else None


def _nameless(claims: ClientClaims | None) -> ClientClaims | None:
    return replace(claims, display_name="") if claims else None
