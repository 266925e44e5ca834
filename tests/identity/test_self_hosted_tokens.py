"""What the built-in issuer's tokens say, and when they stop counting."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp_providers.contract import ClientClaims, ClientSpec, TokenRequest
from idp_providers.errors import ClientAlreadyExistsError, IdpUnavailableError, InvalidClientError, InvalidTokenError
from idp_providers.self_hosted import signing
from idp_providers.self_hosted.provider import SelfHostedProvider
from idp_providers.self_hosted.revocations import CREATION_MARGIN, KEPT_LONGER
from idp_providers.self_hosted.settings import SelfHostedSettings
from idp_providers.self_hosted.tokens import granted_scopes
from idp_providers.testing import make_managed_spec, make_secret, make_spec, payload_of
from tests.identity.clients import claims_of
from tests.identity.host import LocalHost, host_on

ROLE_CLAIM = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


async def granted(issuer: SelfHostedProvider, spec: ClientSpec, *scopes: str) -> str:
    secret = (await issuer.create_client(spec, make_secret())).secret
    request = TokenRequest(client_id=spec.client_id, client_secret=secret, requested_scopes=scopes)
    return (await issuer.token(request)).access_token


class TestClaims:
    pytestmark = pytest.mark.anyio

    async def test_of_an_applications_client(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        spec = make_managed_spec()
        host.claims[spec.client_id] = replace(claims_of(spec), data_store_ids=(10, 2))
        token = await granted(issuer, spec)
        payload = payload_of(token)
        UUID(payload["jti"])
        assert isinstance(payload["iat"], int)
        assert abs(payload["iat"] - datetime.now(UTC).timestamp()) < 5
        assert payload == {
            "jti": payload["jti"],
            "sub": spec.client_id,
            "iat": payload["iat"],
            "exp": payload["iat"] + 1800,
            "client_id": spec.client_id,
            "typ": "Bearer",
            "azp": spec.client_id,
            "scope": "SISVendor",
            "aud": "account",
            "iss": "http://localhost:8081",
            "namespacePrefixes": "uri://ed-fi.org,uri://acme.org",
            "educationOrganizationIds": "255901,19255901",
            "client_name": "Application",
            "permission": "SISVendor",
            ROLE_CLAIM: ["dms-client"],
            "dataStoreIds": "2,10",
        }
        header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
        assert header == {"alg": "RS256", "kid": (await issuer.keys())[0]["kid"], "typ": "JWT"}

    async def test_of_a_client_of_the_service(self, issuer: SelfHostedProvider) -> None:
        payload = payload_of(await granted(issuer, make_spec(scopes=("edfi_admin_api/full_access",))))
        assert payload["scope"] == payload["permission"] == "edfi_admin_api/full_access"
        assert payload[ROLE_CLAIM] == ["cms-client"]
        assert payload["client_name"] == "Contract suite"
        mapped = ("namespacePrefixes", "educationOrganizationIds", "dataStoreIds")
        assert [payload[name] for name in mapped] == ["", "", ""]

    async def test_several_scopes_are_joined_by_blanks_and_all_usable(self, issuer: SelfHostedProvider) -> None:
        token = await granted(issuer, make_spec(scopes=("one", "two", "three")), "THREE", "one")
        payload = payload_of(token)
        assert payload["scope"] == "one three"
        assert payload["permission"] == ["one", "two", "three"]
        assert (await issuer.verify(token)).scopes == {"one", "three"}

    async def test_text_beyond_ascii_survives(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        spec = make_managed_spec()
        host.claims[spec.client_id] = ClientClaims(scopes=("Größe 学校",), display_name='"\\\u2028🎒')
        payload = payload_of(await granted(issuer, spec))
        assert (payload["scope"], payload["client_name"]) == ("Größe 学校", '"\\\u2028🎒')

    async def test_an_orphan_gets_no_token(self, issuer: SelfHostedProvider) -> None:
        with pytest.raises(InvalidClientError):
            await granted(issuer, make_managed_spec())

    async def test_only_the_stored_spelling_of_an_id_gets_a_token(self, issuer: SelfHostedProvider) -> None:
        spec = make_spec(client_id="DmsConfigurationService")
        secret = (await issuer.create_client(spec, make_secret())).secret
        with pytest.raises(InvalidClientError):
            await issuer.token(TokenRequest(client_id="dmsconfigurationservice", client_secret=secret))
        answer = await issuer.token(TokenRequest(client_id="DmsConfigurationService", client_secret=secret))
        assert payload_of(answer.access_token)["client_id"] == "DmsConfigurationService"


@given(st.lists(st.text(min_size=1), unique=True), st.lists(st.text(min_size=1)))
def test_grants_are_held_scopes_in_their_own_spelling(held: list[str], requested: list[str]) -> None:
    granted = granted_scopes(held, requested)
    assert set(granted) <= set(held)
    assert granted or not held
    asked = {scope.casefold() for scope in requested}
    assert granted == tuple(held) or all(scope.casefold() in asked for scope in granted)


KEY = signing.generate("RS256")
KEYS = {KEY.kid: signing.public_key(KEY.public_jwk)}
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
segments = st.text() | json_values.map(
    lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
)
headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(["RS256", "none", "HS256"]) | json_values},
    optional={"kid": st.just(KEY.kid) | json_values, "crit": json_values, "b64": json_values, "jwk": json_values},
).map(lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode())


@given(st.text() | st.lists(segments, max_size=5).map(".".join) | st.tuples(headers, segments, segments).map(".".join))
def test_no_text_is_taken_for_a_token_or_breaks_the_reader(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        signing.verified_claims(text, KEYS)


@pytest.mark.parametrize("depth", [5_000, 40_000])
def test_deeply_nested_headers_are_refused(depth: int) -> None:
    header = base64.urlsafe_b64encode(b"[" * depth).rstrip(b"=").decode()
    with pytest.raises(InvalidTokenError):
        signing.verified_claims(f"{header}.e30.e30", KEYS)


class TestLifetime:
    pytestmark = pytest.mark.anyio

    async def test_ends_with_the_clock_skew(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        token = await granted(issuer, make_spec())
        host.shift = timedelta(seconds=1800 + 290)
        assert await issuer.verify(token)
        host.shift = timedelta(seconds=1800 + 301)
        with pytest.raises(InvalidTokenError):
            await issuer.verify(token)

    @pytest.mark.parametrize("change", ["delete", "disable"])
    async def test_ends_with_its_client(self, issuer: SelfHostedProvider, change: str) -> None:
        spec = make_spec()
        token = await granted(issuer, spec)
        assert await issuer.verify(token)
        if change == "delete":
            await issuer.delete_clients([spec.client_id])
        else:
            await issuer.update_client(replace(spec, enabled=False))
        with pytest.raises(InvalidTokenError):
            await issuer.verify(token)

    @pytest.mark.parametrize("ended", ["deleted", "ended and deleted"])
    async def test_a_client_that_is_made_again_does_not_bring_its_tokens_back(
        self, host: LocalHost, issuer: SelfHostedProvider, ended: str
    ) -> None:
        spec = make_spec()
        await issuer.create_client(spec, secret := make_secret())
        async with host.pool.connection() as connection:
            await connection.execute("update idp_clients set created_at = now() - interval '1 day'")
        host.shift = -CREATION_MARGIN - timedelta(seconds=2)
        request = TokenRequest(client_id=spec.client_id, client_secret=secret.value)
        old = (await issuer.token(request)).access_token
        host.shift = timedelta(0)
        assert await issuer.verify(old)
        if ended == "ended and deleted":
            await issuer.end_tokens(spec.client_id)
        await issuer.delete_service_client(spec.client_id)
        await issuer.create_client(spec, secret)
        with pytest.raises(InvalidTokenError):
            await issuer.verify(old)
        assert await issuer.verify((await issuer.token(request)).access_token)

    async def test_a_late_clock_does_not_cost_a_new_client_its_first_token(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        host.shift = -CREATION_MARGIN + timedelta(seconds=1)
        assert await issuer.verify(await granted(issuer, make_spec()))

    async def test_revocations_are_forgotten_once_no_clock_would_accept_the_token(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        token = await granted(issuer, make_spec())
        await issuer.revoke(token)
        await self.expired(host, token, timedelta(seconds=290) + KEPT_LONGER)
        host.shift = timedelta(days=-1)
        assert await issuer.sweep() == 0, "a sweep goes by the database's clock"
        host.shift = timedelta(days=1)
        assert await issuer.sweep() == 0, "a sweep goes by the database's clock"
        host.shift = timedelta(0)
        with pytest.raises(InvalidTokenError):
            await issuer.verify(token)
        await self.expired(host, token, timedelta(seconds=301) + KEPT_LONGER)
        assert await issuer.sweep() == 1
        assert await issuer.sweep() == 0

    async def expired(self, host: LocalHost, token: str, ago: timedelta) -> None:
        """As if the token had expired so long ago."""
        async with host.pool.connection() as connection:
            await connection.execute(
                "update idp_revoked_tokens set expires_at = now() - %s where jti = %s", (ago, payload_of(token)["jti"])
            )

    async def test_a_rolled_back_revocation_did_not_happen(self, host: LocalHost, issuer: SelfHostedProvider) -> None:
        token = await granted(issuer, make_spec())
        async with host.unit_of_work(commit=False):
            await issuer.revoke(token)
        assert await issuer.verify(token)


class TestTransactions:
    pytestmark = pytest.mark.anyio

    async def test_clients_commit_and_vanish_with_the_callers_row(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        kept, lost = make_spec(), make_spec()
        async with host.unit_of_work():
            await issuer.create_client(kept, make_secret())
            assert await issuer.find_client(kept.client_id)
        async with host.unit_of_work(commit=False):
            await issuer.create_client(lost, make_secret())
        assert await issuer.find_client(kept.client_id)
        assert await issuer.find_client(lost.client_id) is None

    async def test_a_refused_change_leaves_the_callers_transaction_usable(
        self, host: LocalHost, issuer: SelfHostedProvider
    ) -> None:
        spec, other = make_spec(), make_spec()
        await issuer.create_client(spec, make_secret())
        async with host.unit_of_work():
            with pytest.raises(ClientAlreadyExistsError):
                await issuer.create_client(spec, make_secret())
            await issuer.create_client(other, make_secret())
        assert await issuer.find_client(other.client_id)

    async def test_what_committed_before_the_call_counts_in_the_call(self, issuer: SelfHostedProvider) -> None:
        """Rotations race with a stream of grants: once a rotation returned, the old secret is dead."""
        spec = make_spec()
        secret = (await issuer.create_client(spec, make_secret())).secret

        async def load() -> None:
            while True:
                await asyncio.gather(
                    *(issuer.token(TokenRequest(client_id=spec.client_id, client_secret="x")) for _ in range(8)),
                    return_exceptions=True,
                )

        noise = asyncio.create_task(load())
        try:
            for _ in range(25):
                new = (await issuer.replace_secret(spec.client_id, make_secret())).secret
                old, secret = secret, new
                assert await issuer.token(TokenRequest(client_id=spec.client_id, client_secret=new))
                with pytest.raises(Exception, match="Wrong client secret"):
                    await issuer.token(TokenRequest(client_id=spec.client_id, client_secret=old))
        finally:
            noise.cancel()
            await asyncio.gather(noise, return_exceptions=True)

    async def test_concurrent_grants_share_their_reads(
        self, host: LocalHost, issuer: SelfHostedProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = make_spec()
        secret = (await issuer.create_client(spec, make_secret())).secret
        checkouts = 0
        connection = host.pool.connection

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal checkouts
            checkouts += 1
            return connection(*args, **kwargs)

        monkeypatch.setattr(host.pool, "connection", counted)
        request = TokenRequest(client_id=spec.client_id, client_secret=secret)
        await asyncio.gather(*(issuer.token(request) for _ in range(100)))
        assert checkouts <= 3

    async def test_a_database_that_is_gone_is_said_to_be_unavailable(self, database_url: str) -> None:
        async with host_on(database_url) as host:
            issuer = await SelfHostedProvider.open(SelfHostedSettings(), host)
            token = await granted(issuer, make_spec())
        for call in (
            issuer.check(),
            issuer.verify(token),
            issuer.find_client("x"),
            issuer.token(TokenRequest(client_id="x", client_secret="x")),
            issuer.create_client(make_spec(), make_secret()),
            issuer.maintain(),
        ):
            with pytest.raises(IdpUnavailableError):
                await call
        await issuer.close()
