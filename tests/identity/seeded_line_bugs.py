"""What goes wrong when the line breaks, when calls are given up, and when credentials end."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import httpx2
from tenant_api_idp_acme import AcmeSettings

from idp_providers import contract, errors
from idp_providers.contract import ClientCredentials, ClientSecret, ClientSpec
from tests.identity.seeded_bug import Bug


class RetriesACreate(Bug):
    """Repeats a create whose answer was lost, and then takes its own client for somebody else's."""

    caught_by = "test_a_lost_answer_to_a_create_is_found_as_our_own"

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        try:
            return await super().create_client(spec, secret)
        except errors.IdpUnavailableError:
            return await super().create_client(spec, secret)


class LetsTransportErrorsOut(Bug):
    """Raises what its HTTP library raises."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[check-refused]"

    async def check(self) -> None:
        (await self._http.get("/health")).raise_for_status()


class NoTimeLimit(Bug):
    """Waits for an answer for as long as it takes."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[find_client-hanging]"

    @classmethod
    async def open(cls, settings: AcmeSettings, host: contract.Host) -> Self:
        return await super().open(settings.model_copy(update={"timeout_seconds": 3600.0}), host)


class ThrottlingIsFinal(Bug):
    """Takes 429 for a refusal."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[update_client-throttled]"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpUnavailableError as error:
            if "429" in str(error):
                failure = errors.IdpRejectedError("no")
            else:
                raise
        raise failure


class DeniedIsAway(Bug):
    """Takes missing rights for a system that is away, and would be asked for ever."""

    caught_by = "test_refused_rights_are_denied_and_not_retried[forbidden-check]"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpDeniedError:
            pass
        raise errors.IdpUnavailableError("away")


class AwayIsNotFound(Bug):
    """Says that there is no such client when the system does not answer."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[find_client-bad_gateway]"

    async def find_client(self, client_id: str) -> contract.ClientState | None:
        try:
            return await super().find_client(client_id)
        except errors.IdpUnavailableError:
            return None


class KeepsKnocking(Bug):
    """Repeats what was denied."""

    caught_by = "test_refused_rights_are_denied_and_not_retried[forbidden-find_client]"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        for _ in range(8):
            try:
                return await super()._call(*args, **kwargs)
            except errors.IdpDeniedError:
                continue
        return await super()._call(*args, **kwargs)


class BelievesEveryPage(Bug):
    """Takes any 200 for success."""

    caught_by = "test_a_page_for_people_is_no_success[create_client]"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpError as error:
            if "no JSON" in str(error):
                return {}
            raise


class LosesItsConnection(Bug):
    """Closes its client after the first failure."""

    caught_by = "test_no_usable_answer_is_unavailable_and_passes[token-refused]"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        try:
            return await super()._call(*args, **kwargs)
        except errors.IdpUnavailableError:
            await self._http.aclose()
            self._http = httpx2.AsyncClient(base_url="http://127.0.0.1:1", timeout=0.2)
            raise


class KeepsTheLockOfACancelledCall(Bug):
    """A call that was given up leaves the lock behind."""

    caught_by = "test_a_call_that_was_given_up_harms_no_other"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        lock: asyncio.Lock = self.__dict__.setdefault("lock", asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), 0.2)
        except TimeoutError:
            raise errors.IdpUnavailableError("busy") from None
        try:
            answer = await super()._call(*args, **kwargs)
        except Exception:
            lock.release()
            raise
        lock.release()
        return answer


class CannotBeCancelled(Bug):
    """Takes its cancellation for a broken line."""

    caught_by = "test_a_call_that_was_given_up_harms_no_other"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        try:
            return await super()._call(*args, **kwargs)
        except asyncio.CancelledError:
            pass
        raise errors.IdpUnavailableError("the line broke")


class LogsInUnnoticed(Bug):
    """Fetches bearer tokens by JSON, once and never again, and its tests do not say which request does."""

    caught_by = "test_credentials_that_ended_are_renewed_within_the_call[check]"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        self._http.headers["Authorization"] = "Bearer of-a-login"
        return await super()._call(*args, **kwargs)


class LogsInForEveryCall(Bug):
    """Fetches new credentials each time."""

    caught_by = "test_one_login_serves_many_calls"

    async def _call(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        await self._http.post("/health", headers={"Content-Type": "application/x-www-form-urlencoded"})
        return await super()._call(*args, **kwargs)
