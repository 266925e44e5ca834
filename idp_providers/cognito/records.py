"""What is kept about a client beside its app client: what Cognito has no place for, and which app client it is."""

import json
import re
from dataclasses import replace
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from idp_providers.contract import ClientClaims, ClientSpec, ClientState
from idp_providers.errors import IdpRejectedError

LONGEST_CLIENT_ID = 255
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_BRACES = {"{": "\\u007b", "}": "\\u007d"}


class Record(BaseModel):
    """The text of one parameter. Flat, for Parameter Store takes pairs of braces for references; no secret in it."""

    model_config = ConfigDict(frozen=True)

    client_id: str
    app_client_id: str
    marker: str
    display_name: str
    role: str
    scopes: tuple[str, ...]
    enabled: bool
    application: bool
    approved: bool = True
    application_name: str = ""
    namespace_prefixes: tuple[str, ...] = ()
    education_organization_ids: tuple[int, ...] = ()
    data_store_ids: tuple[int, ...] = ()

    @classmethod
    def of(cls, spec: ClientSpec, app_client_id: str, marker: str) -> Self:
        claims = spec.claims or ClientClaims(scopes=spec.scopes)
        return cls(
            client_id=spec.client_id,
            app_client_id=app_client_id,
            marker=marker,
            display_name=spec.display_name,
            role=spec.role,
            scopes=claims.scopes,
            enabled=spec.enabled,
            application=spec.claims is not None,
            approved=claims.approved,
            application_name=claims.display_name,
            namespace_prefixes=claims.namespace_prefixes,
            education_organization_ids=claims.education_organization_ids,
            data_store_ids=claims.data_store_ids,
        )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what somebody else wrote."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    @property
    def usable(self) -> bool:
        """Whether tokens are granted. Without a scope Cognito grants none."""
        return self.enabled and self.approved and bool(self.scopes)

    def text(self) -> str:
        """JSON in ASCII, with no braces but the outer ones."""
        inner = json.dumps(self.model_dump(mode="json"), separators=(",", ":"))[1:-1]
        return "{" + re.sub("[{}]", lambda brace: _BRACES[brace[0]], inner) + "}"

    def state(self, *, usable: bool, scopes: tuple[str, ...]) -> ClientState:
        """What was switched by hand at Cognito shows as it is, not as it was wanted; so do scopes."""
        enabled, approved = self.enabled, self.approved
        if usable != self.usable:
            enabled, approved = usable, usable or approved
        held = tuple(sorted(scopes, key=self._rank)) if usable else self.scopes
        claims = ClientClaims(
            scopes=held,
            namespace_prefixes=self.namespace_prefixes,
            education_organization_ids=self.education_organization_ids,
            data_store_ids=self.data_store_ids,
            approved=approved,
            display_name=self.application_name,
        )
        return ClientState(
            client_id=self.client_id,
            display_name=self.display_name,
            role=self.role,
            scopes=held,
            enabled=enabled,
            claims=claims if self.application else None,
        )

    def _rank(self, scope: str) -> tuple[int, str]:
        return (self.scopes.index(scope) if scope in self.scopes else len(self.scopes), scope)


def foreign_state(client_id: str) -> ClientState:
    """A client of which we know no more than that its id is taken."""
    return ClientState(client_id=client_id, display_name="", role="", scopes=(), enabled=False, owned=False)


def can_be_client_id(text: str) -> bool:
    """Whether a client of this id can exist."""
    return 0 < len(text) <= LONGEST_CLIENT_ID and not _UNSTORABLE.search(text)


def judge_client(spec: ClientSpec) -> None:
    """IdpRejectedError for what cannot be kept."""
    if not can_be_client_id(spec.client_id):
        raise IdpRejectedError(f"A client id has 1 to {LONGEST_CLIENT_ID} characters, none of them NUL.")
    claims = spec.claims or ClientClaims(scopes=())
    names = (spec.display_name, spec.role, claims.display_name, *spec.scopes, *claims.scopes)
    if any(_UNSTORABLE.search(text) for text in (*names, *claims.namespace_prefixes)):
        raise IdpRejectedError("A name or a namespace prefix has characters that cannot be stored.")


def in_spelling(spec: ClientSpec, record: Record) -> ClientSpec:
    """The wanted state under the id as it was first written."""
    return replace(spec, client_id=record.client_id)
