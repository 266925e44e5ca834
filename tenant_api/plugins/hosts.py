"""What the service lends to its plugins, per family."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from idp_providers.contract import ClientClaims, Statements
from tenant_api.kernel.clock import utcnow
from tenant_api.kernel.keys import KeyRing
from tenant_api.kernel.sealing import Sealer
from tenant_api.plugins.claims import ClaimsReader
from tenant_api.plugins.unit_of_work import statements
from tenant_api.web.state import Pool


class IdentityHost:
    """The host of identity providers: their pool, the caller's transaction, who we are, sealing, digests, claims."""

    def __init__(self, *, installation: UUID, pool: Pool, sealer: Sealer, pepper: KeyRing) -> None:
        self._installation = installation
        self._pool = pool
        self._sealer = sealer
        self._pepper = pepper
        self._claims = ClaimsReader(pool)

    @property
    def pool(self) -> Pool:
        return self._pool

    @property
    def installation(self) -> str:
        return str(self._installation)

    def connection(self) -> AbstractAsyncContextManager[Statements]:
        return statements(self._pool)

    def seal(self, plain: bytes, context: str) -> str:
        return self._sealer.seal(plain, context)

    def unseal(self, sealed: str, context: str) -> bytes:
        return self._sealer.unseal(sealed, context)

    def rewrap(self, sealed: str, context: str) -> str:
        return self._sealer.rewrap(sealed, context)

    def sign(self, message: bytes) -> str:
        return self._pepper.sign(message)

    def signed(self, message: bytes, signature: str) -> bool:
        return self._pepper.signed(message, signature)

    def is_newest(self, signature: str) -> bool:
        return self._pepper.is_newest(signature)

    def now(self) -> datetime:
        return utcnow()

    async def claims_of(self, client_id: str) -> ClientClaims | None:
        return await self._claims.of(client_id)


class ProvisionerHost:
    """The host of database provisioners: who we are, and signatures for markers."""

    def __init__(self, *, installation: UUID, epoch: int, marker: KeyRing) -> None:
        self._installation = installation
        self._epoch = epoch
        self._marker = marker

    @property
    def installation(self) -> str:
        return str(self._installation)

    @property
    def epoch(self) -> int:
        return self._epoch

    def sign(self, message: bytes) -> str:
        return self._marker.sign(message)

    def signed(self, message: bytes, signature: str) -> bool:
        return self._marker.signed(message, signature)
