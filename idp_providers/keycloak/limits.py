"""What Keycloak cannot store; it answers such requests with a fault of its own instead of a refusal."""

import re

from idp_providers.contract import ClientSecret, ClientSpec
from idp_providers.errors import IdpRejectedError

LONGEST_CLIENT_ID = 239
"""Characters: the service account's name is `service-account-` and the id, 255 in all."""
LONGEST_SECRET = 255

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def can_be_client_id(text: str) -> bool:
    """Whether a client of this id can exist."""
    return 0 < len(text) <= LONGEST_CLIENT_ID and not _UNSTORABLE.search(text)


def judge_client(spec: ClientSpec) -> None:
    """IdpRejectedError for what no realm can hold."""
    if not can_be_client_id(spec.client_id):
        raise IdpRejectedError(f"A client id has 1 to {LONGEST_CLIENT_ID} characters that Keycloak can store.")
    prefixes = spec.claims.namespace_prefixes if spec.claims else ()
    names = (spec.display_name, spec.role, spec.claims.display_name if spec.claims else "")
    if any(_UNSTORABLE.search(text) for text in (*names, *prefixes)):
        raise IdpRejectedError("A name or a namespace prefix has characters that Keycloak cannot store.")


def judge_secret(secret: ClientSecret) -> None:
    """IdpRejectedError for what Keycloak would not keep as it is."""
    if not 0 < len(secret.value) <= LONGEST_SECRET or _UNSTORABLE.search(secret.value):
        raise IdpRejectedError(f"A secret has 1 to {LONGEST_SECRET} characters that Keycloak can store.")
