"""What goes wrong with tokens and secrets, and where these show."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key

from idp_providers import contract, errors
from idp_providers.contract import ClientCredentials, ClientSecret, ClientSpec
from tests.identity.seeded_bug import Bug


class IgnoresApproval(Bug):
    """Grants tokens to clients that are not approved."""

    caught_by = "test_a_client_without_approval_gets_no_token"

    async def update_client(self, spec: ClientSpec) -> None:
        claims = replace(spec.claims, approved=True) if spec.claims else None
        await super().update_client(replace(spec, claims=claims))


class OldSecretWorks(Bug):
    """Answers with a new secret that it never set."""

    caught_by = "test_a_replaced_secret_stops_working_at_once"

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        if await self.find_client(client_id) is None:
            raise errors.ClientNotFoundError("gone")
        return ClientCredentials(client_id=client_id, secret=secret.value)


class RefusesOneTokenAtATime(Bug):
    """Two calls at once disturb each other."""

    caught_by = "test_concurrent_tokens_are_good_and_distinct"

    _busy = False

    async def token(self, request: contract.TokenRequest) -> contract.TokenAnswer:
        if self._busy:
            raise errors.IdpError("busy")
        self._busy = True
        try:
            await asyncio.sleep(0)
            return await super().token(request)
        finally:
            self._busy = False


class RevokesNothing(Bug):
    """Says that it revoked."""

    caught_by = "test_a_revoked_token_is_refused_and_others_stand"

    async def revoke(self, token: str) -> None:
        await self.check()


class RevokesHere(Bug):
    """Remembers the tokens that it ended, in one process of several."""

    caught_by = "test_a_revoked_token_is_refused_by_every_process"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._ended: set[str] = set()

    async def revoke(self, token: str) -> None:
        with suppress(errors.InvalidTokenError):
            self._ended.add((await super().verify(token)).token_id)

    async def verify(self, token: str) -> contract.Principal:
        principal = await super().verify(token)
        if principal.token_id in self._ended:
            raise errors.InvalidTokenError("ended")
        return principal


class TrustsItsOwnReading(Bug):
    """Reads a token without asking whether it counts."""

    caught_by = "test_forged_tokens_are_refused"

    async def verify(self, token: str) -> contract.Principal:
        from idp_providers.suite.texts import payload_of

        try:
            claims = payload_of(token)
        except (IndexError, ValueError):
            raise errors.InvalidTokenError("unreadable") from None
        answer = await self._call("POST", "/introspect", {"token": token})
        return contract.Principal(
            client_id=claims["client_id"],
            subject=claims["client_id"],
            scopes=frozenset(claims["scope"].split()),
            roles=frozenset(claims["roles"]),
            token_id=claims["jti"],
            expires_at=self._host.now(),
            claims=claims if answer else {},
        )


class ReadsTokensItself(Bug):
    """Judges by the published keys, and asks of the issuer how its name begins."""

    caught_by = "test_the_issuer_counts_to_its_last_letter[letter]"

    rules = jwt.JWTClaimsRegistry(
        leeway=300, aud={"essential": True, "value": "account"}, exp={"essential": True}, jti={"essential": True}
    )

    async def verify(self, token: str) -> contract.Principal:
        try:
            ring = KeySet([import_key(key) for key in await self.keys()])
            claims = jwt.decode(token, ring, algorithms=["RS256"]).claims
            self.rules.validate(claims)
        except (JoseError, ValueError):
            claims = {}
        if not str(claims.get("iss")).startswith(self.issuer):
            raise errors.InvalidTokenError("no")
        return contract.Principal(
            client_id=claims["client_id"],
            subject=claims["sub"],
            scopes=frozenset(claims["scope"].split()),
            roles=frozenset(claims["roles"]),
            token_id=claims["jti"],
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            claims=claims,
        )


class CountsTooEarly(ReadsTokensItself, Bug):
    """Does not ask from when a token counts."""

    caught_by = "test_a_good_signature_alone_does_not_suffice[{'nbf': 9999999999}]"

    class _Rules(jwt.JWTClaimsRegistry):
        def validate_nbf(self, value: object) -> None:
            """Anything will do."""

    rules = _Rules(leeway=300, exp={"essential": True}, jti={"essential": True})


class KeepsItsFirstKeys(Bug):
    """Reads the issuer's keys once."""

    caught_by = "test_a_new_key_of_the_issuer_becomes_known"

    _first: Sequence[dict[str, Any]] = ()

    async def keys(self) -> Sequence[dict[str, Any]]:
        self._first = self._first or await super().keys()
        return self._first


class PromisesADay(Bug):
    """Says that tokens live longer than they do."""

    caught_by = "test_the_answer_agrees_with_its_token"

    async def token(self, request: contract.TokenRequest) -> contract.TokenAnswer:
        return replace(await super().token(request), expires_in=86400)


class RepeatsTheWantedScopes(Bug):
    """Names the scopes that were asked for, not those that were granted."""

    caught_by = "test_the_answer_agrees_with_its_token"

    async def token(self, request: contract.TokenRequest) -> contract.TokenAnswer:
        answer = await super().token(request)
        return replace(answer, scopes=request.requested_scopes or answer.scopes)


class TellsLocalTime(Bug):
    """Says when a token ends by its own clock on the wall."""

    caught_by = "test_the_answer_agrees_with_its_token"

    async def verify(self, token: str) -> contract.Principal:
        principal = await super().verify(token)
        return replace(principal, expires_at=principal.expires_at.replace(tzinfo=None))


class TellsTheSecret(Bug):
    """Names the secret in an error."""

    caught_by = "test_a_request_called_wrong_is_rejected[create_client]"

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        try:
            return await super().create_client(spec, secret)
        except errors.IdpError as error:
            raise type(error)(f"could not create with {secret.value}") from None


class LogsTheSecret(Bug):
    """Writes what it sends into the log."""

    caught_by = "test_a_request_called_wrong_is_rejected[replace_secret]"

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        logging.getLogger("acme").info("sending %s", {"secret": secret.value})
        return await super().replace_secret(client_id, secret)


class LogsTokens(Bug):
    """Writes what it grants into the log."""

    caught_by = "test_secrets_stay_out_of_texts_and_logs"

    async def token(self, request: contract.TokenRequest) -> contract.TokenAnswer:
        answer = await super().token(request)
        logging.getLogger("acme").debug("granted", extra={"answer": answer.access_token})
        return answer


class LogsItsOwnSecret(Bug):
    """Writes with what it logs in into the log."""

    caught_by = "test_secrets_stay_out_of_texts_and_logs"

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        logging.getLogger("acme").debug("as %s", self._http.headers)
        logging.getLogger("acme").debug("with %s", self._http.headers["x-api-key"])
        return await super().create_client(spec, secret)


class LeaksTheCause(Bug):
    """Chains the exception that carries the request."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[replace_secret-unavailable]"

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        try:
            return await super().replace_secret(client_id, secret)
        except errors.IdpError as error:
            raise error from ValueError({"body": secret.value})
