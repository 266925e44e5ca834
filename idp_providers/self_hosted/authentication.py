"""Who a client is: by secret or by assertion, and what its tokens may say."""

import logging

from idp_providers.authorization_server import AssertionProof, AuthenticatedClient, Proof, SecretProof
from idp_providers.contract import ClientClaims, Host
from idp_providers.errors import (
    IdpError,
    InvalidAssertionError,
    InvalidClientError,
    ThrottledError,
    UnauthorizedClientError,
)
from idp_providers.self_hosted import assertions
from idp_providers.self_hosted.assertions import UsedAssertions
from idp_providers.self_hosted.client_secrets import ClientSecrets, StoredSecret
from idp_providers.self_hosted.clients import ClientStore, CurrentClient
from idp_providers.self_hosted.ring import KeyRing
from idp_providers.self_hosted.secrets import SecretHashes, is_generated_id
from idp_providers.self_hosted.usage import Usage

log = logging.getLogger(__name__)


class Authentication:
    """Judges proofs against what is committed now. The same read says which key signs, so none signs too long."""

    def __init__(
        self,
        host: Host,
        *,
        clients: ClientStore,
        secrets: ClientSecrets,
        hashes: SecretHashes,
        usage: Usage,
        ring: KeyRing,
    ) -> None:
        self._host = host
        self._clients = clients
        self._secrets = secrets
        self._hashes = hashes
        self._usage = usage
        self._ring = ring
        self._used = UsedAssertions(host)

    async def judge(self, proof: Proof) -> AuthenticatedClient:
        """The client that the proof is of; the errors of the contract otherwise."""
        match proof:
            case SecretProof():
                return await self._by_secret(proof)
            case AssertionProof():
                return await self._by_assertion(proof)

    async def in_the_contracts_words(self, proof: SecretProof) -> AuthenticatedClient:
        """As `judge`, where a throttled guess is refused like any other (management API contract, section 1.19)."""
        try:
            return await self._by_secret(proof)
        except ThrottledError:
            known = await self._clients.current(proof.client_id)
        raise UnauthorizedClientError("Throttled.") if known else InvalidClientError("Throttled.")

    async def sweep(self) -> None:
        """Forget what no proof can meet any more."""
        await self._used.sweep()

    async def _by_secret(self, proof: SecretProof) -> AuthenticatedClient:
        client = await self._clients.current(proof.client_id)
        if client is None:
            await self._pretend(proof)
            raise InvalidClientError("Unknown client.")
        proven = await self._hashes.verify(client, proof.secret)
        claims = await self._claims_of(client)
        if claims is None:
            raise InvalidClientError("The client is disabled, not approved or without an application.")
        if proven is None:
            raise UnauthorizedClientError("Wrong client secret.")
        self._usage.saw(proven.id)
        await self._renew_hash(client, proven, proof.secret)
        await self._ring.follow(client.signing_kid)
        return AuthenticatedClient(state=client.state, claims=claims)

    async def _by_assertion(self, proof: AssertionProof) -> AuthenticatedClient:
        assertion = assertions.read(proof.assertion)
        if proof.client_id and proof.client_id != assertion.issuer:
            raise InvalidAssertionError("'client_id' is not the client of the assertion.")
        client = await self._clients.current(assertion.issuer)
        claims = assertions.verified_claims(assertion, client.keys if client else ())
        assert client is not None, "without keys nothing is verified"
        use = assertions.judged(claims, client.client_id, proof.audiences, self._host.now())
        held = await self._claims_of(client)
        if held is None:
            raise InvalidClientError("The client is disabled, not approved or without an application.")
        await self._used.use(client.client_id, use)
        await self._ring.follow(client.signing_kid)
        return AuthenticatedClient(state=client.state, claims=held)

    async def _pretend(self, proof: SecretProof) -> None:
        """The work that a known client of this kind would have cost."""
        await self._hashes.pretend(proof.client_id, proof.secret)
        if is_generated_id(proof.client_id):
            await self._host.claims_of(proof.client_id)

    async def _claims_of(self, client: CurrentClient) -> ClientClaims | None:
        """What tokens of the client say; None if it shall have none."""
        if not client.managed:
            claims: ClientClaims | None = ClientClaims(scopes=client.scopes, display_name=client.display_name)
        else:
            claims = await self._host.claims_of(client.client_id)
        return claims if claims is not None and claims.approved and client.enabled else None

    async def _renew_hash(self, client: CurrentClient, stored: StoredSecret, secret: str) -> None:
        """Renewing is housekeeping: it must not cost a client its token."""
        try:
            renewed = await self._hashes.renewed(client, stored, secret)
            if renewed is not None:
                await self._secrets.renew_hash(stored, renewed)
        except IdpError as error:
            log.warning("idp.secret_hash.not_renewed", extra={"client_id": client.client_id, "reason": str(error)})
