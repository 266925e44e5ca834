"""Plays the engine for tests: a host with a key of its own, and calls repeated until they are done."""

import asyncio
import base64
import hmac
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from db_provisioners.contract import DatabaseProvisioner, DatabaseSpec, Handle, Progress, TemplateRef
from db_provisioners.errors import ProvisionerError

MOST_CALLS = 400
DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class HostForTests:
    """Signs with a key of its own. Two of one `installation` and `key` are the same host after a restart."""

    installation: str = field(default_factory=lambda: str(uuid.uuid4()))
    epoch: int = 1
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def sign(self, message: bytes) -> str:
        return "test:" + base64.urlsafe_b64encode(hmac.digest(self.key, message, "sha256")).decode()

    def signed(self, message: bytes, signature: str) -> bool:
        return hmac.compare_digest(self.sign(message), signature)


async def until_done(call: Callable[[Handle], Awaitable[Progress]], handle: Handle) -> Handle:
    """Call as the engine does: save the handle, wait as told, call again; a deadline instead of hope."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(MOST_CALLS):
            progress = await call(handle)
            handle = progress.handle
            if progress.done:
                return handle
            await asyncio.sleep(progress.retry_after.total_seconds())
    raise AssertionError(f"not done after {MOST_CALLS} calls")


async def provisioned(provisioner: DatabaseProvisioner, spec: DatabaseSpec, handle: Handle | None = None) -> Handle:
    return await until_done(lambda saved: provisioner.provision(spec, saved), handle or {})


async def deleted(provisioner: DatabaseProvisioner, spec: DatabaseSpec, handle: Handle | None = None) -> None:
    await until_done(lambda saved: provisioner.delete(spec, saved), handle or {})


async def template_deleted(provisioner: DatabaseProvisioner, template: TemplateRef) -> None:
    await until_done(lambda _: provisioner.delete_template(template), template.handle)


async def refusals(
    provisioner: DatabaseProvisioner, spec: DatabaseSpec, handle: Handle, password: SecretStr
) -> list[ProvisionerError]:
    """Errors of several kinds, each from a call that was given the secret."""
    wrong = replace(spec, template=replace(spec.template, fingerprint="another"))
    thief = replace(spec, target_id=uuid.uuid4())
    caught: list[ProvisionerError] = []
    for call in (
        provisioner.verify(wrong, handle, password),
        provisioner.provision(thief, handle),
        provisioner.verify(thief, handle, password),
    ):
        try:
            await call
        except ProvisionerError as error:
            caught.append(error)
    assert caught, "wrong fingerprints and foreign targets are errors"
    return caught


def everything_of(error: BaseException | None) -> str:
    """An error with everything that hangs on it."""
    if error is None:
        return ""
    return f"{error!r} {error} {error.args} {everything_of(error.__cause__)} {everything_of(error.__context__)}"
