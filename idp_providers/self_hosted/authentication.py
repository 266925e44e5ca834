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
                return await self._by_secret(await self._clients.current(proof.client_id), proof)
            case AssertionProof():
                return await self._by_assertion(proof)

    async def in_the_contracts_words(self, proof: SecretProof) -> AuthenticatedClient:
        """As `judge`, where a throttled guess is refused like any other (management API contract, section 1.19)."""
        client = await self._clients.current(proof.client_id)
        try:
            return await self._by_secret(client, proof)
        except ThrottledError:
            raise (UnauthorizedClientError if client else InvalidClientError)("Throttled.") from None

    async def may_have_tokens(self, client_id: str) -> bool:
        """Whether a client that proves itself now would get a token."""
        client = await self._clients.current(client_id)
        return client is not None and await self._claims_of(client) is not None

    async def sweep(self) -> None:
        """Forget what no proof can meet any more."""
        await self._used.sweep()

    async def _by_secret(self, client: CurrentClient | None, proof: SecretProof) -> AuthenticatedClient:
        client, proven = await self._proven(client, proof)
        if client is None:
            if is_generated_id(proof.client_id):
                # A known client of this kind would have cost this read too.
                await self._host.claims_of(proof.client_id)
            raise InvalidClientError("Unknown client.")
        claims = await self._claims_of(client)
        if claims is None:
            raise InvalidClientError("The client is disabled, not approved or without an application.")
        if proven is None:
            raise UnauthorizedClientError("Wrong client secret.")
        self._usage.saw(proven.id)
        await self._ring.follow(client.signing_kid)
        return AuthenticatedClient(state=client.state, claims=claims)

    async def _proven(
        self, client: CurrentClient | None, proof: SecretProof
    ) -> tuple[CurrentClient | None, StoredSecret | None]:
        """The client and which of its secrets was shown, None if none was.

        A slow check may have waited behind many others, a renewal behind whoever changes the client. What ended
        meanwhile counts no more, so the client is read again, and the secret must still be among its live ones.
        """
        proven = self._hashes.recognised(client, proof.secret) if client else None
        at_once = proven is not None
        if proven is None:
            proven = await self._hashes.judge(proof.client_id, client, proof.secret)
        if client is None or proven is None:
            return client, None
        renewing = await self._renew_hash(client, proven, proof.secret)
        if at_once and not renewing:
            return client, proven
        present = await self._clients.current(client.client_id)
        live = present.secrets if present else ()
        return present, next((secret for secret in live if secret.id == proven.id), None)

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

    async def _claims_of(self, client: CurrentClient) -> ClientClaims | None:
        """What tokens of the client say; None if it shall have none."""
        if not client.managed:
            claims: ClientClaims | None = ClientClaims(scopes=client.scopes, display_name=client.display_name)
        else:
            claims = await self._host.claims_of(client.client_id)
        return claims if claims is not None and claims.approved and client.enabled else None

    async def _renew_hash(self, client: CurrentClient, stored: StoredSecret, secret: str) -> bool:
        """Whether there was something to renew. It is housekeeping: it must not cost a client its token."""
        try:
            renewed = await self._hashes.renewed(client, stored, secret)
            if renewed is None:
                return False
            await self._secrets.renew_hash(stored, renewed)
        except IdpError as error:
            log.warning("idp.secret_hash.not_renewed", extra={"client_id": client.client_id, "reason": str(error)})
        return True
