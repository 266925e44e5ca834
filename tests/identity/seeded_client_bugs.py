"""What goes wrong with clients and their states, and with the proof that they are ours."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from idp_providers import contract, errors
from idp_providers.contract import ClientCredentials, ClientSecret, ClientSpec
from tests.identity.seeded_bug import Bug


class ListsToFind(Bug):
    """Looks at every client that it ever made to find one."""

    caught_by = "test_many_clients_do_not_make_a_call_dearer"

    made = 0

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        self.made += 1
        return await super().create_client(spec, secret)

    async def find_client(self, client_id: str) -> contract.ClientState | None:
        for _ in range(self.made):
            await self.check()
        return await super().find_client(client_id)


class CreatesInThreeCalls(Bug):
    """Looks before and after it makes a client."""

    caught_by = "test_a_call_costs_few_requests[create_client]"

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        await self.find_client(spec.client_id)
        made = await super().create_client(spec, secret)
        await self.find_client(spec.client_id)
        return made


class DeletesAndRecreates(Bug):
    """Changes a client by making a new one: the secret is lost."""

    caught_by = "test_updating_twice_is_as_updating_once_and_keeps_the_secret"

    async def update_client(self, spec: ClientSpec) -> None:
        if await self.find_client(spec.client_id) is None:
            raise errors.ClientNotFoundError("gone")
        await self.delete_clients([spec.client_id])
        await self.create_client(spec, ClientSecret(value="x" * 32))


class TakenIdIsFine(Bug):
    """Answers a taken id as if it had made the client."""

    caught_by = "test_an_id_can_be_taken_once_whatever_its_case"

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        try:
            return await super().create_client(spec, secret)
        except errors.ClientAlreadyExistsError:
            return ClientCredentials(client_id=spec.client_id, secret=secret.value)


class DeletesOne(Bug):
    """Removes the first of several."""

    caught_by = "test_creations_through_a_lossy_line_end_in_exactly_those_clients"

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        await super().delete_clients(list(client_ids)[:1])


class CannotDeleteTwice(Bug):
    """Complains about a client that is gone already."""

    caught_by = "test_deleting_twice_is_as_deleting_once"

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        for client_id in client_ids:
            await self._call("DELETE", await self._own(client_id))


class StopsAtAnAbsentClient(Bug):
    """Takes an absent client among several for the end of them."""

    caught_by = "test_absent_clients_among_several_do_not_save_the_others"

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        with suppress(errors.ClientNotFoundError):
            for client_id in client_ids:
                await self._call("DELETE", await self._own(client_id))


class ForgetsClaims(Bug):
    """Changes names and scopes, not the claims of the next token."""

    caught_by = "test_changed_claims_are_in_the_next_token"

    async def update_client(self, spec: ClientSpec) -> None:
        found = await self.find_client(spec.client_id)
        await super().update_client(replace(spec, claims=found.claims if found else None))


class MakesEnabled(Bug):
    """Every new client is enabled, whatever was wanted."""

    caught_by = "test_a_client_can_be_made_without_a_right_to_tokens[disabled]"

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        return await super().create_client(replace(spec, enabled=True), secret)


class MakesApproved(Bug):
    """Every new client of an application is approved."""

    caught_by = "test_a_client_can_be_made_without_a_right_to_tokens[unapproved]"

    async def create_client(self, spec: ClientSpec, secret: ClientSecret) -> ClientCredentials:
        claims = replace(spec.claims, approved=True) if spec.claims else None
        return await super().create_client(replace(spec, claims=claims), secret)


class EnablesWithTheSecret(Bug):
    """A new secret lets a disabled client in again."""

    caught_by = "test_a_new_secret_gives_no_right_to_tokens[disabled]"

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        made = await super().replace_secret(client_id, secret)
        await self._call("PATCH", await self._own(client_id), {"enabled": True})
        return made


class LosesClaimsWithTheSecret(Bug):
    """Writes the whole client with its new secret, but for the claims."""

    caught_by = "test_a_new_secret_changes_nothing_else"

    async def replace_secret(self, client_id: str, secret: ClientSecret) -> ClientCredentials:
        await self._call("PATCH", await self._own(client_id), {"secret": secret.value, "claims": None})
        return ClientCredentials(client_id=client_id, secret=secret.value)


class ApplicationsStayEnabled(Bug):
    """Disables clients of the service only."""

    caught_by = "test_an_applications_client_can_be_disabled"

    def _wanted(self, spec: ClientSpec) -> dict[str, Any]:
        return super()._wanted(replace(spec, enabled=True) if spec.claims else spec)


class EmptyIsNoChange(Bug):
    """Leaves out what is empty, so that the last data store is never taken away."""

    caught_by = "test_every_claim_is_brought_into_the_next_token"

    async def update_client(self, spec: ClientSpec) -> None:
        found = await self.find_client(spec.client_id)
        if spec.claims and found and found.claims and not spec.claims.data_store_ids:
            spec = replace(spec, claims=replace(spec.claims, data_store_ids=found.claims.data_store_ids))
        await super().update_client(spec)


class CountsInFloats(Bug):
    """Passes numbers on as JavaScript would."""

    caught_by = "test_every_claim_is_brought_into_the_next_token"

    def _wanted(self, spec: ClientSpec) -> dict[str, Any]:
        if spec.claims:
            numbers = tuple(int(float(number)) for number in spec.claims.education_organization_ids)
            spec = replace(spec, claims=replace(spec.claims, education_organization_ids=numbers))
        return super()._wanted(spec)


class NeedsADataStore(Bug):
    """Knows no application without data stores."""

    caught_by = "test_a_client_can_be_made_with_no_claims_but_a_scope"

    def _wanted(self, spec: ClientSpec) -> dict[str, Any]:
        return super()._wanted(spec) | ({"first": spec.claims.data_store_ids[0]} if spec.claims else {})


class MindsTheCase(Bug):
    """Changes a client under exactly the id with which it was made."""

    caught_by = "test_a_client_is_changed_whatever_the_case_of_its_id"

    async def update_client(self, spec: ClientSpec) -> None:
        found = await self.find_client(spec.client_id)
        if found is None or found.client_id != spec.client_id:
            raise errors.ClientNotFoundError("no such client")
        await super().update_client(spec)


class CutsNames(Bug):
    """Has room for names of forty letters of English."""

    caught_by = "test_names_are_kept_whole"

    def _wanted(self, spec: ClientSpec) -> dict[str, Any]:
        return super()._wanted(spec) | {"display_name": spec.display_name.encode("ascii", "ignore").decode()[:40]}


class TellsWhatItWanted(Bug):
    """Answers from its memory, not with what the system holds."""

    caught_by = "test_what_another_changed_is_seen_and_mended_by_an_update"

    async def find_client(self, client_id: str) -> contract.ClientState | None:
        known: dict[str, contract.ClientState | None] = self.__dict__.setdefault("known", {})
        if known.get(client_id) is None:
            known[client_id] = await super().find_client(client_id)
        return known[client_id]


class AdoptsByName(Bug):
    """Takes any client with the right id for its own."""

    caught_by = "test_a_foreign_client_is_seen_as_foreign"

    async def find_client(self, client_id: str) -> contract.ClientState | None:
        found = await super().find_client(client_id)
        return replace(found, owned=True) if found else None


class SignsTheBareId(Bug):
    """Its proof of ownership does not say where: it counts in every copy of the system."""

    caught_by = "test_a_client_that_was_copied_to_another_system_is_foreign_there"

    def _marked(self, client_id: str) -> bytes:
        return client_id.lower().encode("utf-8", "replace")


class SignsNoInstallation(Bug):
    """Its proof says where, and not whose."""

    caught_by = "test_a_client_of_another_installation_with_our_keys_is_foreign"

    def _marked(self, client_id: str) -> bytes:
        return f"acme\0{self.issuer}\0{client_id.lower()}".encode("utf-8", "replace")


class SignsNoClient(Bug):
    """Its proof counts at every client of the system."""

    caught_by = "test_the_proof_of_a_client_proves_nothing_at_another"

    def _marked(self, client_id: str) -> bytes:
        return f"acme\0{self._host.installation}\0{self.issuer}".encode()


class KeepsTheOldProof(Bug):
    """Makes the proof when it makes the client, and never again: the old key can never go."""

    caught_by = "test_a_proof_by_an_old_key_stands_and_is_made_anew_by_an_update"

    async def update_client(self, spec: ClientSpec) -> None:
        wanted = {name: value for name, value in self._wanted(spec).items() if name != "marker"}
        await self._call("PATCH", await self._own(spec.client_id), wanted)


class DeletesBehindTheFirst(Bug):
    """Asks of the first of several clients only whether it is ours."""

    caught_by = "test_a_foreign_client_among_several_is_not_removed[last]"

    async def delete_clients(self, client_ids: Collection[str]) -> None:
        first, *others = client_ids
        await super().delete_clients([first])
        for client_id in others:
            with suppress(errors.ClientNotFoundError):
                await self._call("DELETE", f"/clients/{client_id}")
