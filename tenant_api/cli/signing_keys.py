"""Signing keys from the command line, on the database of the service: for schedules, audits and emergencies."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import rich_click as click

from idp_providers.key_keeping import SigningKeyKeeper, SigningKeyState, signing_key_keeper
from tenant_api.cli.arguments import MADE_IDS
from tenant_api.cli.opened import opened
from tenant_api.cli.output import Output, json_option

COLUMNS = ("kid", "algorithm", "state", "publishedAt", "activatedAt", "retiredAt", "revokedAt")


@click.group("signing-keys")
def signing_keys() -> None:
    """List, rotate and revoke the keys that sign tokens; end a client's tokens. Replicas follow within a second."""


@signing_keys.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List all keys: the one that signs, the one that waits, retired ones, revoked ones."""
    Output(as_json).table(_run(_nothing), COLUMNS)


@signing_keys.command()
@click.option("--at-once", is_flag=True, help="Even if verifiers that cache keys may not know the new one yet.")
@json_option
def rotate(at_once: bool, as_json: bool) -> None:
    """Let the waiting key sign from now on. Tokens of the old one stay good until they expire.

    Keys rotate by themselves as well, at the age that the settings name.
    """
    keys = _run(lambda keeper: keeper.rotate_signing_key(at_once=at_once))
    Output(as_json).result(keys, f"Now {keys[0]['kid']} signs.")


@signing_keys.command(context_settings=MADE_IDS)
@click.argument("kid")
@json_option
def revoke(kid: str, as_json: bool) -> None:
    """Revoke the key KID: no token that it signed counts any more, on any replica, from within a second on.

    If it was the one that signs, the waiting key signs instead. It cannot be taken back; repeating it does nothing.
    Data planes that verify tokens themselves go on until they fetch the keys again.
    """
    keys = _run(lambda keeper: keeper.revoke_signing_key(kid))
    Output(as_json).result(keys, f"Revoked {kid}. Now {keys[0]['kid']} signs.")


@signing_keys.command("end-tokens", context_settings=MADE_IDS)
@click.argument("client_id")
@json_option
def end_tokens(client_id: str, as_json: bool) -> None:
    """End all tokens that CLIENT_ID has. New ones count from 3 seconds later on, as long as its secret works."""
    _run(lambda keeper: keeper.end_tokens(client_id))
    Output(as_json).result({"clientId": client_id}, f"Ended the tokens of {client_id}.")


def _run(act: Callable[[SigningKeyKeeper], Awaitable[None]]) -> list[dict[str, Any]]:
    """Act, and answer the keys as they stand then."""

    async def run() -> list[dict[str, Any]]:
        async with opened() as runtime:
            keeper = signing_key_keeper(runtime.idp)
            if keeper is None:
                raise click.ClickException(f"The identity provider {runtime.idp.name!r} keeps its signing keys itself.")
            await act(keeper)
            return [_shown(key) for key in await keeper.signing_keys()]

    return asyncio.run(run())


async def _nothing(_keeper: SigningKeyKeeper) -> None:
    """To list the keys is all."""


def _shown(key: SigningKeyState) -> dict[str, Any]:
    times = (key.published_at, key.activated_at, key.retired_at, key.revoked_at)
    return dict(
        zip(COLUMNS, (key.kid, key.algorithm, key.state, *(at and at.isoformat() for at in times)), strict=True)
    )
