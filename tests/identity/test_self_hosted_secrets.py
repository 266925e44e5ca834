"""How the built-in issuer keeps secrets, and what checking them costs."""

import asyncio
import base64
import hashlib
import threading
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from idp_providers.contract import ClientSecret, TokenRequest
from idp_providers.errors import IdpUnavailableError, InvalidClientError, UnauthorizedClientError
from idp_providers.self_hosted import slow_hashes
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.testing import make_managed_spec, make_secret, make_spec
from tests.identity.clients import claims_of
from tests.identity.host import LocalHost

pytestmark = pytest.mark.anyio

CHOSEN = "ValidClientSecret1234567890!Abcd"


async def stored(host: LocalHost, client_id: str) -> str:
    return str((await host.row("select hash from idp_client_secrets where client_id = %s", client_id))["hash"])


async def store(host: LocalHost, client_id: str, secret: str) -> None:
    async with host.pool.connection() as connection:
        await connection.execute("update idp_client_secrets set hash = %s where client_id = %s", (secret, client_id))


def imported(
    secret: str, *, salt: bytes = bytes(range(16)), iterations: int = 210_000, head: bytes = b"\x01\x10\x00\x00\x00"
) -> str:
    """A hash as the Ed-Fi service stores it, built by hand."""
    key = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, iterations, 32)
    return base64.b64encode(head + salt + key).decode()


def grant(client_id: str, secret: str) -> TokenRequest:
    return TokenRequest(client_id=client_id, client_secret=secret)


@pytest.fixture
def slow_checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored hashes that were computed in threads."""
    computed = []
    matches = slow_hashes._matches

    def counted(secret: bytes, stored: str) -> bool:
        computed.append(stored)
        return matches(secret, stored)

    monkeypatch.setattr(slow_hashes, "_matches", counted)
    return computed


class TestForms:
    async def test_generated_secrets_are_kept_as_keyed_digests(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        spec = make_spec()
        await issuer.create_client(spec, make_secret())
        assert (await stored(host, spec.client_id)).startswith("hmac-sha256$k1:")

    async def test_chosen_secrets_are_kept_as_argon2id(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        await issuer.create_client(make_spec(client_id="Chosen"), ClientSecret(value=CHOSEN, chosen=True))
        assert PasswordHasher().verify(await stored(host, "Chosen"), CHOSEN)
        assert (await stored(host, "Chosen")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    async def test_a_digest_copied_to_another_client_is_worthless_there(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        one, other = make_spec(), make_spec()
        secret = (await issuer.create_client(one, make_secret())).secret
        await issuer.create_client(other, make_secret())
        await store(host, other.client_id, await stored(host, one.client_id))
        with pytest.raises(UnauthorizedClientError):
            await issuer.token(grant(other.client_id, secret))

    @pytest.mark.parametrize(
        "damaged",
        [
            "",
            "hmac-sha256$",
            "hmac-sha256$k1:",
            "$argon2id$",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$",
            "not base64!",
            imported(CHOSEN, head=b"\x00\x10\x00\x00\x00"),
            imported(CHOSEN, head=b"\x01\x00\x00\x00\x10"),
            imported(CHOSEN, iterations=1000),
            imported(CHOSEN)[:-8],
        ],
    )
    async def test_a_damaged_hash_matches_nothing(
        self, host: LocalHost, issuer: SelfHostedProvider, damaged: str
    ) -> None:
        spec = make_spec()
        await issuer.create_client(spec, ClientSecret(value=CHOSEN))
        await store(host, spec.client_id, damaged)
        with pytest.raises(UnauthorizedClientError):
            await issuer.token(grant(spec.client_id, CHOSEN))


class TestImported:
    async def test_a_known_hash_verifies(self) -> None:
        """The key is the output of `openssl kdf … PBKDF2` for 210000 rounds and the salt 00 01 … 0f."""
        known = "ARAAAAAAAQIDBAUGBwgJCgsMDQ4P" + "B1xs3NSlpA4XF8hc6Ke4iC0u8waDkrnnKprB0e3gcE4="
        assert slow_hashes._matches(CHOSEN.encode(), known)
        assert not slow_hashes._matches(CHOSEN.lower().encode(), known)

    async def test_an_applications_client_moves_to_a_keyed_digest(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        spec = make_managed_spec()
        host.claims[spec.client_id] = claims_of(spec)
        secret = (await issuer.create_client(spec, make_secret())).secret
        await store(host, spec.client_id, imported(secret))
        assert await issuer.token(grant(spec.client_id, secret))
        assert (await stored(host, spec.client_id)).startswith("hmac-sha256$")
        assert await issuer.token(grant(spec.client_id, secret))

    async def test_a_client_of_the_service_moves_to_argon2id(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        spec = make_spec(client_id="CMSReadOnlyAccess")
        await issuer.create_client(spec, ClientSecret(value=CHOSEN, chosen=True))
        await store(host, spec.client_id, imported(CHOSEN))
        with pytest.raises(UnauthorizedClientError):
            await issuer.token(grant(spec.client_id, CHOSEN + "x"))
        assert await stored(host, spec.client_id) == imported(CHOSEN)
        assert await issuer.token(grant(spec.client_id, CHOSEN))
        assert (await stored(host, spec.client_id)).startswith("$argon2id$")
        assert await issuer.token(grant(spec.client_id, CHOSEN))


class TestRenewal:
    async def test_a_new_pepper_takes_over_on_use_and_the_old_one_may_go(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        spec = make_spec()
        secret = (await issuer.create_client(spec, make_secret())).secret
        host.rotate_pepper()
        assert await issuer.token(grant(spec.client_id, secret))
        assert (await stored(host, spec.client_id)).startswith("hmac-sha256$k2:")
        host.pepper = type(host.pepper)(host.pepper.keys[:1])
        assert await issuer.token(grant(spec.client_id, secret))

    async def test_without_its_pepper_a_digest_matches_nothing(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        spec = make_spec()
        secret = (await issuer.create_client(spec, make_secret())).secret
        host.rotate_pepper()
        host.pepper = type(host.pepper)(host.pepper.keys[:1])
        with pytest.raises(UnauthorizedClientError):
            await issuer.token(grant(spec.client_id, secret))

    async def test_weaker_argon2id_is_strengthened_on_use(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        spec = make_spec(client_id="Weak")
        await issuer.create_client(spec, ClientSecret(value=CHOSEN, chosen=True))
        await store(host, "Weak", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(CHOSEN))
        assert await issuer.token(grant("Weak", CHOSEN))
        assert "m=19456,t=2,p=1" in await stored(host, "Weak")

    async def test_a_renewal_never_brings_a_replaced_secret_back(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        spec = make_spec()
        old = (await issuer.create_client(spec, make_secret())).secret
        seen = await issuer._clients.current(spec.client_id)
        assert seen is not None
        new = (await issuer.replace_secret(spec.client_id, make_secret())).secret
        await issuer._kept.renew_hash(
            seen.secrets[0], await issuer._secrets.hash(spec.client_id, ClientSecret(value=old))
        )
        assert await issuer.token(grant(spec.client_id, new))

    async def test_a_renewal_that_fails_costs_no_token(
        self, host: LocalHost, issuer: SelfHostedProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = make_spec()
        secret = (await issuer.create_client(spec, make_secret())).secret
        host.rotate_pepper()

        async def refuse(*_: object) -> None:
            raise IdpUnavailableError("down")

        monkeypatch.setattr(issuer._kept, "renew_hash", refuse)
        assert await issuer.token(grant(spec.client_id, secret))


class TestCost:
    async def test_an_unknown_generated_id_costs_what_a_wrong_secret_costs(
        self, host: LocalHost, issuer: SelfHostedProvider, slow_checks: list[str]
    ) -> None:
        spec = make_managed_spec()
        host.claims[spec.client_id] = claims_of(spec)
        await issuer.create_client(spec, make_secret())
        costs = []
        for client_id, refusal in ((spec.client_id, UnauthorizedClientError), (str(uuid4()), InvalidClientError)):
            before = host.signed_calls, host.claims_calls
            with pytest.raises(refusal):
                await issuer.token(grant(client_id, "wrong"))
            costs.append((host.signed_calls - before[0], host.claims_calls - before[1], len(slow_checks)))
        assert costs == [(1, 1, 0), (1, 1, 0)]

    async def test_a_proven_secret_is_not_computed_again(
        self, issuer: SelfHostedProvider, slow_checks: list[str]
    ) -> None:
        await issuer.create_client(make_spec(client_id="Proven"), ClientSecret(value=CHOSEN, chosen=True))
        issuer._secrets._slow._proven.clear()
        await asyncio.gather(*(issuer.token(grant("Proven", CHOSEN)) for _ in range(100)))
        await issuer.token(grant("Proven", CHOSEN))
        assert len(slow_checks) == 1
        await issuer.replace_secret("Proven", ClientSecret(value=CHOSEN + "2", chosen=True))
        with pytest.raises(UnauthorizedClientError):
            await issuer.token(grant("Proven", CHOSEN))

    async def test_slow_checks_leave_the_loop_free_and_are_bounded(
        self, issuer: SelfHostedProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release, checking = threading.Event(), threading.Event()

        def stuck(*_: object) -> bool:
            checking.set()
            return not release.wait(60)

        await issuer.create_client(make_spec(client_id="Slow"), ClientSecret(value=CHOSEN, chosen=True))
        await issuer.create_client(make_spec(client_id="Other"), ClientSecret(value=CHOSEN, chosen=True))
        monkeypatch.setattr(slow_hashes, "_matches", stuck)
        monkeypatch.setattr(slow_hashes, "MOST_WAITING", 1)
        waiting = asyncio.create_task(issuer.token(grant("Slow", "guess")))
        assert await asyncio.to_thread(checking.wait, 60)
        with pytest.raises(IdpUnavailableError):
            await issuer.token(grant("Other", "guess"))
        spec = make_spec()
        secret = (await issuer.create_client(spec, make_secret())).secret
        assert await issuer.token(grant(spec.client_id, secret))
        release.set()
        with pytest.raises(UnauthorizedClientError):
            await waiting

    async def test_memory_of_proven_secrets_is_bounded_and_holds_no_secret(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(slow_hashes, "_matches", lambda *_: True)
        monkeypatch.setattr(slow_hashes, "MOST_REMEMBERED", 10)
        hashes = slow_hashes.SlowHashes()
        for number in range(30):
            assert await hashes.verify(CHOSEN.encode(), f"hash {number}")
        assert list(hashes._proven) == [f"hash {number}" for number in range(20, 30)]
        assert CHOSEN.encode() not in b"".join(hashes._proven.values())
        hashes.close()


async def test_stored_texts_hold_no_secret(host: LocalHost) -> None:
    issuer = await SelfHostedProvider.open(SelfHostedSettings(), host)
    generated = make_secret()
    await issuer.create_client(make_spec(), generated)
    await issuer.create_client(make_spec(client_id="Chosen"), ClientSecret(value=CHOSEN, chosen=True))
    async with host.pool.connection() as connection:
        rows = await (await connection.execute("select row_to_json(c)::text as text from idp_clients c")).fetchall()
    assert len(rows) == 2
    assert not [row for row in rows if generated.value in row["text"] or CHOSEN in row["text"]]
    await issuer.close()
