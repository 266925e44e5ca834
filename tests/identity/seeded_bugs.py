"""The example provider with one bug at a time, each under the whole kit. Run by test_seeded_bugs.py, never by itself.

Every bug is one that providers really have. `caught_by` names the check of the kit that must fail for it; only that
one is run.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import test_acme
from pydantic import SecretStr
from tenant_api_idp_acme import AcmeProvider, AcmeSettings

from idp_providers import contract, errors

servers = test_acme.servers


class ListsToFind(AcmeProvider):
    """Looks at every client that it ever made to find one."""

    caught_by = "test_many_clients_do_not_make_a_call_dearer"

    made = 0

    async def create_client(self, spec, secret):
        self.made += 1
        return await super().create_client(spec, secret)

    async def find_client(self, client_id):
        for _ in range(self.made):
            await self.check()
        return await super().find_client(client_id)


class CreatesInThreeCalls(AcmeProvider):
    """Looks before and after it makes a client."""

    caught_by = "test_a_call_costs_few_requests[create_client]"

    async def create_client(self, spec, secret):
        await self.find_client(spec.client_id)
        made = await super().create_client(spec, secret)
        await self.find_client(spec.client_id)
        return made


class AdoptsByName(AcmeProvider):
    """Takes any client with the right id for its own."""

    caught_by = "test_a_foreign_client_is_seen_as_foreign"

    async def find_client(self, client_id):
        found = await super().find_client(client_id)
        return replace(found, owned=True) if found else None


class SignsTheBareId(AcmeProvider):
    """Its proof of ownership does not say where: it counts in every copy of the system."""

    caught_by = "test_a_client_that_was_copied_to_another_system_is_foreign_there"

    def _marked(self, client_id):
        return client_id.lower().encode("utf-8", "replace")


class KeepsTheOldProof(AcmeProvider):
    """Makes the proof when it makes the client, and never again: the old key can never go."""

    caught_by = "test_a_proof_by_an_old_key_stands_and_is_made_anew_by_an_update"

    async def update_client(self, spec):
        wanted = {name: value for name, value in self._wanted(spec).items() if name != "marker"}
        await self._call("PATCH", await self._own(spec.client_id), wanted)


class DeletesAndRecreates(AcmeProvider):
    """Changes a client by making a new one: the secret is lost."""

    caught_by = "test_updating_twice_is_as_updating_once_and_keeps_the_secret"

    async def update_client(self, spec):
        if await self.find_client(spec.client_id) is None:
            raise errors.ClientNotFoundError("gone")
        await self.delete_clients([spec.client_id])
        await self.create_client(spec, contract.ClientSecret(value="x" * 32))


class TakenIdIsFine(AcmeProvider):
    """Answers a taken id as if it had made the client."""

    caught_by = "test_an_id_can_be_taken_once_whatever_its_case"

    async def create_client(self, spec, secret):
        try:
            return await super().create_client(spec, secret)
        except errors.ClientAlreadyExistsError:
            return contract.ClientCredentials(client_id=spec.client_id, secret=secret.value)


class RetriesACreate(AcmeProvider):
    """Repeats a create whose answer was lost, and then takes its own client for somebody else's."""

    caught_by = "test_a_lost_answer_to_a_create_is_found_as_our_own"

    async def create_client(self, spec, secret):
        try:
            return await super().create_client(spec, secret)
        except errors.IdpUnavailableError:
            return await super().create_client(spec, secret)


class TellsTheSecret(AcmeProvider):
    """Names the secret in an error."""

    caught_by = "test_a_request_called_wrong_is_rejected[create_client]"

    async def create_client(self, spec, secret):
        try:
            return await super().create_client(spec, secret)
        except errors.IdpError as error:
            raise type(error)(f"could not create with {secret.value}") from None


class LogsTheSecret(AcmeProvider):
    """Writes what it sends into the log."""

    caught_by = "test_a_request_called_wrong_is_rejected[replace_secret]"

    async def replace_secret(self, client_id, secret):
        logging.getLogger("acme").info("sending %s", {"secret": secret.value})
        return await super().replace_secret(client_id, secret)


class LeaksTheCause(AcmeProvider):
    """Chains the exception that carries the request."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[replace_secret-unavailable]"

    async def replace_secret(self, client_id, secret):
        try:
            return await super().replace_secret(client_id, secret)
        except errors.IdpError as error:
            raise error from ValueError({"body": secret.value})


class LetsTransportErrorsOut(AcmeProvider):
    """Raises what its HTTP library raises."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[check-refused]"

    async def check(self):
        (await self._http.get("/health")).raise_for_status()


class NoTimeLimit(AcmeProvider):
    """Waits for an answer for as long as it takes."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[find_client-hanging]"

    @classmethod
    async def open(cls, settings: AcmeSettings, host: contract.Host):
        return await super().open(settings.model_copy(update={"timeout_seconds": 3600.0}), host)


class ThrottlingIsFinal(AcmeProvider):
    """Takes 429 for a refusal."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[update_client-throttled]"

    async def _call(self, *args: Any, **kwargs: Any):
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpUnavailableError as error:
            if "429" in str(error):
                failure = errors.IdpRejectedError("no")
            else:
                raise
        raise failure


class DeniedIsAway(AcmeProvider):
    """Takes missing rights for a system that is away, and would be asked for ever."""

    caught_by = "test_refused_rights_are_denied_and_not_retried[forbidden-check]"

    async def _call(self, *args: Any, **kwargs: Any):
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpDeniedError:
            pass
        raise errors.IdpUnavailableError("away")


class AwayIsNotFound(AcmeProvider):
    """Says that there is no such client when the system does not answer."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[find_client-bad_gateway]"

    async def find_client(self, client_id):
        try:
            return await super().find_client(client_id)
        except errors.IdpUnavailableError:
            return None


class KeepsKnocking(AcmeProvider):
    """Repeats what was denied."""

    caught_by = "test_refused_rights_are_denied_and_not_retried[forbidden-find_client]"

    async def _call(self, *args: Any, **kwargs: Any):
        for _ in range(8):
            try:
                return await super()._call(*args, **kwargs)
            except errors.IdpDeniedError:
                continue
        return await super()._call(*args, **kwargs)


class BelievesEveryPage(AcmeProvider):
    """Takes any 200 for success."""

    caught_by = "test_a_page_for_people_is_no_success[create_client]"

    async def _call(self, *args: Any, **kwargs: Any):
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpError as error:
            if "no JSON" in str(error):
                return {}
            raise


class DeletesOne(AcmeProvider):
    """Removes the first of several."""

    caught_by = "test_creations_through_a_lossy_line_end_in_exactly_those_clients"

    async def delete_clients(self, client_ids: Collection[str]):
        await super().delete_clients(list(client_ids)[:1])


class CannotDeleteTwice(AcmeProvider):
    """Complains about a client that is gone already."""

    caught_by = "test_deleting_twice_is_as_deleting_once"

    async def delete_clients(self, client_ids: Collection[str]):
        for client_id in client_ids:
            await self._call("DELETE", await self._own(client_id))


class ForgetsClaims(AcmeProvider):
    """Changes names and scopes, not the claims of the next token."""

    caught_by = "test_changed_claims_are_in_the_next_token"

    async def update_client(self, spec):
        found = await self.find_client(spec.client_id)
        await super().update_client(replace(spec, claims=found.claims if found else None))


class IgnoresApproval(AcmeProvider):
    """Grants tokens to clients that are not approved."""

    caught_by = "test_a_client_without_approval_gets_no_token"

    async def update_client(self, spec):
        claims = replace(spec.claims, approved=True) if spec.claims else None
        await super().update_client(replace(spec, claims=claims))


class OldSecretWorks(AcmeProvider):
    """Answers with a new secret that it never set."""

    caught_by = "test_a_replaced_secret_stops_working_at_once"

    async def replace_secret(self, client_id, secret):
        if await self.find_client(client_id) is None:
            raise errors.ClientNotFoundError("gone")
        return contract.ClientCredentials(client_id=client_id, secret=secret.value)


class RefusesOneTokenAtATime(AcmeProvider):
    """Two calls at once disturb each other."""

    caught_by = "test_concurrent_tokens_are_good_and_distinct"

    _busy = False

    async def token(self, request):
        if self._busy:
            raise errors.IdpError("busy")
        self._busy = True
        try:
            await asyncio.sleep(0)
            return await super().token(request)
        finally:
            self._busy = False


class RevokesNothing(AcmeProvider):
    """Says that it revoked."""

    caught_by = "test_a_revoked_token_is_refused_and_others_stand"

    async def revoke(self, token):
        await self.check()


class TrustsItsOwnReading(AcmeProvider):
    """Reads a token without asking whether it counts."""

    caught_by = "test_forged_tokens_are_refused"

    async def verify(self, token):
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


class LosesItsConnection(AcmeProvider):
    """Closes its client after the first failure."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[token-refused]"

    async def _call(self, *args: Any, **kwargs: Any):
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpUnavailableError:
            await self._http.aclose()
            self._http = httpx2.AsyncClient(base_url="http://127.0.0.1:1", timeout=0.2)
            raise


BUGS = tuple(kind for kind in AcmeProvider.__subclasses__() if kind.__module__ == __name__)


def _kit_of(bug: type[AcmeProvider]) -> type:
    async def open_through(self, url: str) -> AcmeProvider:
        settings = AcmeSettings(server=url, api_key=SecretStr(self.acme.api_key), timeout_seconds=0.5)
        return await bug.open(settings, self.host)

    @pytest.fixture
    async def stranger(self, acme):
        settings = AcmeSettings(server=self.other.url, api_key=SecretStr(self.other.api_key))
        stranger = await bug.open(settings, self.host)
        yield stranger
        await stranger.close()

    members = {"open_through": open_through, "stranger": stranger, "caught_by": bug.caught_by}
    return type(f"Test{bug.__name__}", (test_acme.TestAcme,), members)


globals().update({f"Test{bug.__name__}": _kit_of(bug) for bug in BUGS})
