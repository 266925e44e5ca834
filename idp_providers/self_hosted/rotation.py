"""When signing keys change state: next (published, silent) → active (signs) → retired (published) → gone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from idp_providers.self_hosted.settings import LONGEST_TOKEN_LIFETIME, Algorithm, SelfHostedSettings

SIGNER_CACHE = timedelta(minutes=5)
"""How long a replica may still sign with a key that another one retired; the key ring refreshes far sooner."""


class KeyState(StrEnum):
    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True)
class KeyRecord:
    """What rotation needs to know about a key."""

    kid: str
    algorithm: Algorithm
    state: KeyState
    published_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RotationPolicy:
    """`publication`: how long a key is shown before it signs. `retention`: how long after it last signed."""

    algorithm: Algorithm
    period: timedelta
    publication: timedelta
    retention: timedelta

    @classmethod
    def of(cls, settings: SelfHostedSettings) -> "RotationPolicy":
        return cls(
            algorithm=settings.algorithm,
            period=settings.key_rotation,
            publication=settings.key_publication,
            retention=LONGEST_TOKEN_LIFETIME + settings.clock_skew + SIGNER_CACHE,
        )


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """The changes that are due, in the order in which they are applied."""

    remove: tuple[str, ...] = ()
    retire: str | None = None
    activate: str | None = None
    create: tuple[KeyState, ...] = ()


def needed_rotation(keys: Sequence[KeyRecord]) -> Rotation:
    """What must change so that one key signs and one waits, whatever their age and algorithm."""
    active, waiting = _active(keys), _waiting(keys)
    if active is None and waiting is None:
        return Rotation(create=(KeyState.ACTIVE, KeyState.NEXT))
    if waiting is None:
        return Rotation(create=(KeyState.NEXT,))
    if active is None:
        return Rotation(activate=waiting.kid, create=(KeyState.NEXT,))
    return Rotation()


def due_rotation(keys: Sequence[KeyRecord], now: datetime, policy: RotationPolicy) -> Rotation:
    """What must change now, age and algorithm considered. Applied twice, the second time changes nothing.

    A waiting key of another algorithm is replaced once it has waited as long as keys are published: during a rollout
    replicas of old and new settings would otherwise replace each other's key for ever, and none would ever sign.
    """
    active, waiting = _active(keys), _waiting(keys)
    faded = tuple(key.kid for key in keys if key.retired_at and now - key.retired_at > policy.retention)
    if active is None or waiting is None:
        return replace(needed_rotation(keys), remove=faded)
    if now - waiting.published_at < policy.publication:
        return Rotation(remove=faded)
    if waiting.algorithm != policy.algorithm:
        return Rotation(remove=(*faded, waiting.kid), create=(KeyState.NEXT,))
    if _has_had_its_time(active, now, policy):
        return Rotation(remove=faded, retire=active.kid, activate=waiting.kid, create=(KeyState.NEXT,))
    return Rotation(remove=faded)


def wanted_rotation(keys: Sequence[KeyRecord], now: datetime, policy: RotationPolicy) -> Rotation | None:
    """The waiting key signs now, whatever the age of the present one. None if it was not published long enough."""
    active, waiting = _active(keys), _waiting(keys)
    if active is None or waiting is None or now - waiting.published_at < policy.publication:
        return None
    return Rotation(retire=active.kid, activate=waiting.kid, create=(KeyState.NEXT,))


def _active(keys: Sequence[KeyRecord]) -> KeyRecord | None:
    return next((key for key in keys if key.state is KeyState.ACTIVE), None)


def _waiting(keys: Sequence[KeyRecord]) -> KeyRecord | None:
    return next((key for key in keys if key.state is KeyState.NEXT), None)


def _has_had_its_time(active: KeyRecord, now: datetime, policy: RotationPolicy) -> bool:
    assert active.activated_at is not None
    return active.algorithm != policy.algorithm or now - active.activated_at >= policy.period
