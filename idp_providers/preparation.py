"""What a provider may offer so that an operator can let the other system be prepared: shown first, done then.

Optional: `tenant-api idp prepare` works with every provider whose class has `preparation`, and asks for the rights
of an administrator of that system, which the service itself never gets.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, kw_only=True)
class Administrator:
    """A person who may prepare the other system. The password never appears in `repr`."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that is not as it must be: what it is, and what becomes of it. Holds no secret.

    `takes_over`: it is somebody else's so far, and nothing proves that it may become ours. Whoever applies such a
    change has to have asked for that by itself; a general yes does not count.
    """

    subject: str
    change: str
    takes_over: bool = False


class Preparation(Protocol):
    """One round of preparing. Both calls raise the errors of `idp_providers.errors`."""

    async def plan(self) -> Sequence[Change]:
        """What there is to do, in the order in which it will be done; empty if nothing is. Changes nothing."""
        ...

    def apply(self, changes: Sequence[Change]) -> AsyncIterator[Change]:
        """Do exactly these changes of the last plan, and tell each when it is done.

        What another did meanwhile is no error. After an interruption, plan and apply again.
        """
        ...


@runtime_checkable
class Preparable(Protocol):
    """A provider class that can prepare the system it drives, before the service can open it."""

    def preparation(self, settings: Any, administrator: Administrator) -> AbstractAsyncContextManager[Preparation]:
        """Log in as `administrator`; IdpDeniedError. `settings` is of the class's `settings_model`."""
        ...
