"""Which tokens count."""

import base64
import json
from typing import Any

import anyio
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, import_key

from idp_providers.contract import (
    IdentityProvider,
)
from idp_providers.errors import (
    InvalidTokenError,
)
from idp_providers.suite.harness import Harness
from idp_providers.suite.specs import ROLE, make_spec
from idp_providers.suite.texts import encoded, forged_signature, payload_of


class JudgementRules(Harness):
    """Own tokens count until they expire or are revoked; nothing else does."""

    new_keys_seconds: float = 10.0
    """How long it may take until a new key of the issuer counts: if it did at once, forgeries could make us ask."""

    async def rotate_issuer_keys(self, provider: IdentityProvider) -> None:  # noqa: ARG002 - a hook
        """Let the issuer sign with a new key from now on. Override it where that can be done."""
        pytest.skip("the issuer's keys cannot be changed")

    async def test_a_token_names_its_client(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        token = await self.token(provider, spec.client_id, await self.create(provider, spec))
        principal = await provider.verify(token)
        assert principal.client_id == spec.client_id
        assert principal.scopes == set(spec.scopes)
        assert principal.roles == {ROLE}
        assert principal.token_id
        assert principal.claims["iss"] == provider.issuer

    async def test_a_revoked_token_is_refused_and_others_stand(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        revoked, other = [await self.token(provider, spec.client_id, secret) for _ in range(2)]
        await provider.revoke(revoked)
        await provider.revoke(revoked)
        with pytest.raises(InvalidTokenError):
            await provider.verify(revoked)
        assert await provider.verify(other)

    async def test_a_revoked_token_is_refused_by_every_process(
        self, provider: IdentityProvider, replica: IdentityProvider | None
    ) -> None:
        if replica is None:
            pytest.skip("there is no other process")
        spec = make_spec()
        token = await self.token(provider, spec.client_id, await self.create(provider, spec))
        assert await replica.verify(token)
        await provider.revoke(token)
        with pytest.raises(InvalidTokenError):
            await replica.verify(token)

    async def test_revoking_anything_else_is_ignored(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        token = await self.token(provider, spec.client_id, await self.create(provider, spec))
        for text in ("", "x", "a.b.c", "nul\0", "\ud800", token[:-4], forged_signature(token)):
            await provider.revoke(text)
        assert await provider.verify(token)

    async def test_the_published_keys_verify_its_tokens(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        token = await self.token(provider, spec.client_id, await self.create(provider, spec))
        keys = [dict(key) for key in await provider.keys()]
        for key in keys:
            assert {"kty", "kid", "alg", "use"} <= key.keys()
            assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}
        ring = KeySet([import_key(key) for key in keys])
        verified = jwt.decode(token, ring, algorithms=sorted({key["alg"] for key in keys}))
        if provider.capabilities.contract_claims:
            assert verified.claims["client_id"] == spec.client_id

    async def test_a_new_key_of_the_issuer_becomes_known(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        secret = await self.create(provider, spec)
        assert await provider.verify(await self.token(provider, spec.client_id, secret))
        before = {key["kid"] for key in await provider.keys()}
        await self.rotate_issuer_keys(provider)
        token = await self.token(provider, spec.client_id, secret)
        with anyio.fail_after(self.new_keys_seconds):
            while True:
                counts = await self._counts(provider, token)
                if counts and {key["kid"] for key in await provider.keys()} - before:
                    return
                await anyio.sleep(0.05)

    async def test_forged_tokens_are_refused(self, provider: IdentityProvider) -> None:
        spec = make_spec()
        token = await self.token(provider, spec.client_id, await self.create(provider, spec))
        header, payload, signature = token.split(".")
        fields = json.loads(base64.urlsafe_b64decode(header + "=="))
        widened = encoded({**payload_of(token), "scope": "root"})
        shared = OctKey.import_key(json.dumps([dict(key) for key in await provider.keys()]))
        forgeries = [
            forged_signature(token),
            f"{header}.{widened}.{signature}",
            f"{encoded({**fields, 'alg': 'none'})}.{payload}.",
            f"{encoded({**fields, 'alg': 'NONE'})}.{payload}.{signature}",
            f"{encoded({**fields, 'kid': 'nobody'})}.{payload}.{signature}",
            f"{encoded({'alg': fields['alg']})}.{payload}.{signature}",
            jwt.encode({**fields, "alg": "HS256"}, payload_of(token), shared, algorithms=["HS256"]),
            f"{header}.{payload}",
            f"{header}.{payload}.",
            f"{token}.{signature}",
            "",
            "..",
            "nul\0",
            "\ud800",
        ]
        for forgery in forgeries:
            with pytest.raises(InvalidTokenError):
                await provider.verify(forgery)

    async def test_tokens_of_a_stranger_are_refused(
        self, provider: IdentityProvider, stranger: IdentityProvider | None
    ) -> None:
        if stranger is None:
            pytest.skip("there is no second provider")
        spec = make_spec()
        await self.create(provider, spec)
        token = await self.token(stranger, spec.client_id, await self.create(stranger, spec))
        assert await stranger.verify(token)
        with pytest.raises(InvalidTokenError):
            await provider.verify(token)
        await provider.revoke(token)

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": "http://elsewhere"},
            {"iss": None},
            {"aud": "somebody-else"},
            {"aud": None},
            {"exp": 1_000_000_000},
            {"exp": "9999999999"},
            {"exp": None},
            {"jti": None},
            {"iat": 9_999_999_999},
            {"nbf": 9_999_999_999},
        ],
        ids=str,
    )
    async def test_a_good_signature_alone_does_not_suffice(
        self, provider: IdentityProvider, change: dict[str, Any]
    ) -> None:
        spec = make_spec()
        claims = payload_of(await self.token(provider, spec.client_id, await self.create(provider, spec)))
        assert await provider.verify(self.sign(provider, claims))
        changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
        with pytest.raises(InvalidTokenError):
            await provider.verify(self.sign(provider, changed))

    @pytest.mark.parametrize("added", ["/", "x", ".elsewhere.example"], ids=["slash", "letter", "domain"])
    async def test_the_issuer_counts_to_its_last_letter(self, provider: IdentityProvider, added: str) -> None:
        spec = make_spec()
        claims = payload_of(await self.token(provider, spec.client_id, await self.create(provider, spec)))
        assert await provider.verify(self.sign(provider, claims))
        with pytest.raises(InvalidTokenError):
            await provider.verify(self.sign(provider, {**claims, "iss": claims["iss"] + added}))

    async def _counts(self, provider: IdentityProvider, token: str) -> bool:
        try:
            await provider.verify(token)
        except InvalidTokenError:
            return False
        return True
