"""How a client proves itself to an endpoint: by Basic, in the form, or by assertion (RFC 6749, 2.3; RFC 7523)."""

import base64
import binascii
from urllib.parse import urlsplit

from idp_providers.authorization_server import AssertionProof, Proof, SecretProof
from tenant_api.oauth2.errors import OAuthError, invalid_client, invalid_request
from tenant_api.oauth2.parameters import Parameters, decoded
from tenant_api.web.state import Runtime

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_HEADER = 16 * 1024


def proof_of(parameters: Parameters, authorization: str, audiences: tuple[str, ...]) -> Proof:
    """The one proof of a request.

    OAuthError: `invalid_request` for a proof that is malformed or one of several, `invalid_client` for none at all.
    """
    in_form = "client_secret" in parameters
    asserted = "client_assertion" in parameters or "client_assertion_type" in parameters
    if bool(authorization) + in_form + asserted > 1:
        raise invalid_request("The client must prove itself in one way only.")
    if authorization:
        proof = basic_proof(authorization)
        if parameters.get("client_id", proof.client_id) != proof.client_id:
            raise invalid_request("'client_id' is not the client of the Authorization header.")
        return proof
    if asserted:
        return _assertion_proof(parameters, audiences)
    if not in_form:
        raise invalid_client("The client must prove itself: by HTTP Basic, 'client_secret' or 'client_assertion'.")
    if "client_id" not in parameters:
        raise invalid_request("'client_id' is missing.")
    return SecretProof(client_id=parameters["client_id"], secret=parameters["client_secret"])


def basic_proof(authorization: str) -> SecretProof:
    """Id and secret of a Basic header; both are form-urlencoded (RFC 6749, 2.3.1). OAuthError `invalid_client`."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > LONGEST_HEADER:
        raise invalid_client("The Authorization header must be of the scheme Basic.")
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        if colon and client_id:
            return SecretProof(client_id=decoded(client_id), secret=decoded(secret))
    except (binascii.Error, ValueError, OAuthError):
        pass
    raise invalid_client("The Authorization header is malformed.")


def audiences_of(runtime: Runtime) -> tuple[str, ...]:
    """For whom an assertion may be made out.

    The issuer, and the token endpoint by the addresses that are configured, at the root and below the path base: never
    by what a request names, or an assertion for another server could be replayed here under that server's name.
    """
    http = runtime.settings.http
    issuer = urlsplit(runtime.idp.issuer)
    origins = [f"{issuer.scheme}://{issuer.netloc}", *([http.public_url] if http.public_url else [])]
    bases = [runtime.idp.issuer.rstrip("/"), *origins, *(origin + http.path_base for origin in origins)]
    return (runtime.idp.issuer, *dict.fromkeys(f"{base}/oauth2/token" for base in bases))


def _assertion_proof(parameters: Parameters, audiences: tuple[str, ...]) -> AssertionProof:
    if parameters.get("client_assertion_type") != JWT_BEARER:
        raise invalid_request(f"'client_assertion_type' must be {JWT_BEARER}.")
    if "client_assertion" not in parameters:
        raise invalid_request("'client_assertion' is missing.")
    return AssertionProof(
        assertion=parameters["client_assertion"], audiences=audiences, client_id=parameters.get("client_id", "")
    )
