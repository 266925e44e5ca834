"""`signing-keys` on the database of a service."""

import asyncio
import json

import pytest

from tenant_api.connect.bootstrap import bootstrap
from tests.api.oauth2.clients import ADMIN, READER, bearer, token_of
from tests.api.service import environment, serving
from tests.cli.command import Cli, external


@pytest.fixture
def service(cli: Cli, database_url: str) -> Cli:
    settings = external(database_url, TENANT_API_PROVISIONER__NAME="memory")
    return Cli(cli.monkeypatch, cli.capsys, {**cli.environment, **settings})


def states(service: Cli) -> dict[str, str]:
    listed = json.loads(service("signing-keys", "list", "--json").out)
    return {key["kid"]: key["state"] for key in listed}


def test_keys_are_listed_with_the_one_that_signs_first(service: Cli) -> None:
    heading, first, second = service("signing-keys", "list").out.splitlines()
    assert heading.split("\t")[:3] == ["kid", "algorithm", "state"]
    assert [line.split("\t")[1:3] for line in (first, second)] == [["RS256", "active"], ["RS256", "next"]]


def test_the_waiting_key_signs_at_once_if_told_so_and_else_when_it_was_published_long_enough(service: Cli) -> None:
    signing, waiting = states(service)
    early = service("signing-keys", "rotate")
    assert early.code == 1
    assert "must be published" in early.err
    assert states(service) == {signing: "active", waiting: "next"}
    done = service("signing-keys", "rotate", "--at-once")
    assert (done.code, done.out) == (0, f"Now {waiting} signs.\n")
    after = states(service)
    assert (after[waiting], after[signing], len(after)) == ("active", "retired", 3)


def test_a_revoked_key_is_gone_for_good_and_revoking_it_again_does_nothing(service: Cli) -> None:
    signing, waiting = states(service)
    for _ in range(2):
        ran = service("signing-keys", "revoke", signing)
        assert (ran.code, ran.out) == (0, f"Revoked {signing}. Now {waiting} signs.\n")
        assert {**states(service), signing: "revoked", waiting: "active"} == states(service)
    unknown = service("signing-keys", "revoke", "nothing")
    assert unknown.code == 1
    assert "no signing key" in unknown.err


@pytest.mark.parametrize("made", ["-hei5XtGKMEwRKR920", "--json5XtGKMEwRKR920", "-"])
@pytest.mark.parametrize(
    ("command", "unknown"),
    [
        ("signing-keys revoke", "no signing key"),
        ("signing-keys end-tokens", "No client"),
        ("oauth-clients disable", "no client of its own"),
        ("oauth-clients enable", "no client of its own"),
        ("oauth-clients delete", "no client of its own"),
    ],
)
def test_an_id_that_begins_with_a_dash_is_no_option(service: Cli, command: str, unknown: str, made: str) -> None:
    ran = service(*command.split(), made)
    assert ran.code == 1
    assert unknown in ran.err


@pytest.mark.anyio
async def test_tokens_of_a_client_are_ended(database_url: str, cli: Cli) -> None:
    async with serving(database_url) as api:
        await bootstrap(api.runtime.idp, api.runtime.settings.identity.clients)
        ended, kept = await token_of(api, READER), await token_of(api, ADMIN)
        own = {name: value for name, value in environment(database_url).items() if name.startswith("TENANT_API_")}
        service = Cli(cli.monkeypatch, cli.capsys, {**cli.environment, **own})
        ran = await asyncio.to_thread(service, "signing-keys", "end-tokens", "reader")
        assert (ran.code, ran.out) == (0, "Ended the tokens of reader.\n")
        for token, status in ((ended, 401), (kept, 200)):
            assert (await api.http.get("/v3/vendors", headers=bearer(token))).status_code == status


def test_of_an_unknown_client_no_tokens_are_ended(service: Cli) -> None:
    unknown = service("signing-keys", "end-tokens", "nobody")
    assert (unknown.code, "No client with this id." in unknown.err) == (1, True)


def test_a_provider_that_keeps_its_keys_itself_says_so(service: Cli) -> None:
    ran = service("signing-keys", "list", TENANT_API_IDP__NAME="memory")
    assert ran.code == 1
    assert "keeps its signing keys itself" in ran.err
