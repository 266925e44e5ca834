"""Rules about claim sets; knows no HTTP and no SQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from tenant_api.api_clients.issuing import Issuing
from tenant_api.claim_sets.exporting import ClaimSetExport, exported
from tenant_api.claim_sets.importing import ClaimSetImport, fit
from tenant_api.claim_sets.overview import ClaimSetOverview
from tenant_api.claim_sets.permissions import Permission, PermissionRepository
from tenant_api.claim_sets.repository import ClaimSetRepository, LockedOutError
from tenant_api.claim_sets.schemas import ClaimSetCopy, ClaimSetCreate, ClaimSetRename
from tenant_api.claim_sets.surroundings import Surroundings
from tenant_api.db.listing import ListQuery
from tenant_api.db.pages import Page
from tenant_api.db.tables import ClaimSet
from tenant_api.identity.clients import clients_with_claim_set
from tenant_api.kernel.errors import (
    BadRequestError,
    ConflictError,
    DataError,
    NotFoundError,
    UnresolvedReferenceError,
)

logger = structlog.get_logger(__name__)


class ClaimSetService:
    """Claim sets of the addressed tenant. Whoever edits one set is in nobody's way who edits another."""

    def __init__(
        self,
        claim_sets: ClaimSetRepository,
        permissions: PermissionRepository,
        surroundings: Surroundings,
        issuing: Issuing,
    ) -> None:
        self._claim_sets = claim_sets
        self._permissions = permissions
        self._surroundings = surroundings
        self._issuing = issuing

    async def page(self, query: ListQuery) -> Page[ClaimSetOverview]:
        """A list as asked for."""
        return await self._claim_sets.page(query)

    async def export(self, claim_set_id: int) -> ClaimSetExport:
        """One claim set with all that it grants; NotFoundError."""
        claim_set = await self._claim_sets.find(claim_set_id)
        if claim_set is None:
            raise claim_set_not_found(claim_set_id)
        return exported(claim_set, await self._permissions.of(claim_set_id), await self._surroundings.hierarchy())

    async def create(self, wanted: ClaimSetCreate) -> int:
        """A new claim set that grants nothing; NonUniqueIdentityError."""
        await self._claim_sets.keep_loads_out()
        return await self._claim_sets.add(wanted.name or "", is_system_reserved=wanted.is_system_reserved)

    async def rename(self, claim_set_id: int, wanted: ClaimSetRename) -> None:
        """Give a claim set another name, and the tenant's applications with it: their next tokens have it."""
        await self._claim_sets.keep_loads_out()
        with _retried("update"):
            claim_set = _changeable(await self._claim_sets.lock(claim_set_id), claim_set_id, "updated")
            old, new = claim_set.claim_set_name, wanted.name or ""
            await self._claim_sets.require_free(new, besides=claim_set_id)
            claim_set.claim_set_name = new
            claim_set.revision += 1
            await self._claim_sets.save()
            await self._claim_sets.rename_in_applications(old, new)
            await self._issuing.changed(clients_with_claim_set(claim_set.tenant_id, new))

    async def remove(self, claim_set_id: int) -> None:
        """Delete a claim set. Applications may go on naming it; the log then says so."""
        with _retried("delete"):
            _changeable(await self._claim_sets.lock(claim_set_id), claim_set_id, "deleted")
            overview = await self._claim_sets.find(claim_set_id)
            await self._claim_sets.remove(claim_set_id)
        if overview and overview.application_names:
            logger.warning(
                "claim_sets.missing",
                claim_set=overview.row.claim_set_name,
                applications=len(overview.application_names),
            )

    async def copy(self, wanted: ClaimSetCopy) -> int:
        """A new claim set that grants what another one does."""
        await self._claim_sets.keep_loads_out()
        with _retried("copy"):
            if await self._claim_sets.hold(wanted.original_id) is None:
                raise UnresolvedReferenceError(
                    f"OriginalId {wanted.original_id} not found. It may have been recently deleted."
                )
            copy_id = await self._claim_sets.add(wanted.name or "")
            await self._permissions.copy(wanted.original_id, copy_id)
            return copy_id

    async def put(self, wanted: ClaimSetImport) -> tuple[int, Sequence[str]]:
        """Make a claim set grant exactly what an import says; answers its id and what did not fit."""
        failures = wanted.broken_rules(await self._surroundings.strategies())
        if failures:
            raise DataError(validation_errors=failures)
        await self._claim_sets.keep_loads_out()
        claim_set_id = await self._claim_sets.put(wanted.name or "")
        if claim_set_id is None:
            raise _reserved("imported")
        grants, warnings = fit(wanted.claims(), await self._surroundings.hierarchy())
        permissions = [
            Permission(claim_set_id=claim_set_id, resource_claim_id=claim_id, granted=granted)
            for claim_id, granted in grants.items()
        ]
        await self._permissions.replace([claim_set_id], permissions)
        return claim_set_id, warnings


def claim_set_not_found(claim_set_id: int) -> NotFoundError:
    """What the contract says about a claim set that is not there, or is another tenant's."""
    return NotFoundError(f"ClaimSet {claim_set_id} not found. It may have been recently deleted.")


def _changeable(claim_set: ClaimSet | None, claim_set_id: int, done: str) -> ClaimSet:
    if claim_set is None:
        raise claim_set_not_found(claim_set_id)
    if claim_set.is_system_reserved:
        raise _reserved(done)
    return claim_set


def _reserved(done: str) -> BadRequestError:
    return BadRequestError(f"The specified claim set is system-reserved and cannot be {done}.")


@contextmanager
def _retried(doing: str) -> Iterator[None]:
    """The contract's sentence for whoever waited in vain for another administrator."""
    try:
        yield
    except LockedOutError:
        raise ConflictError(f"Unable to {doing} claim set due to multi-user conflicts. Retry the request.") from None
