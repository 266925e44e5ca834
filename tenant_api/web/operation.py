"""What a handler says about itself: who may call it, what it takes and answers. Admission and OpenAPI read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import BaseModel

from tenant_api.db.listing import ListRules
from tenant_api.kernel.errors import TenantApiError

FULL_ACCESS = "edfi_admin_api/full_access"
READ_ONLY_ACCESS = "edfi_admin_api/readonly_access"
AUTH_METADATA_ACCESS = "edfi_admin_api/authMetadata_readonly_access"

ADMIN = frozenset({FULL_ACCESS})
READ_ONLY = ADMIN | {READ_ONLY_ACCESS}
LIMITED = READ_ONLY | {AUTH_METADATA_ACCESS}
PUBLIC: frozenset[str] = frozenset()
"""The scopes of which one is needed (contract section 1.3); `PUBLIC` asks for no token."""

Access = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the API.

    `answers` maps a success status to its body's type, None for an empty body; `media_type` is that of these
    bodies. `problems` are the refusals beyond those that follow from the rest: a status, or an error's class where
    the status alone does not tell which. `path` types the parameters of the path: `id` is an `Int32` unless it says
    otherwise, any other a text. `query` types what may be asked for besides lists. An `optional_body` has
    defaults for all of its members. `headers` are those of successes; `Operation-Location.outside` is there only with
    an outside identity provider. `example` is an answer's body
    where its type has none.
    """

    id: str
    summary: str
    access: Access
    description: str = ""
    answers: Mapping[int, Any] = field(default_factory=dict)
    problems: tuple[int | type[TenantApiError], ...] = ()
    body: type[BaseModel] | None = None
    optional_body: bool = False
    form: type[BaseModel] | None = None
    lists: ListRules | None = None
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    media_type: str = "application/json"
    example: Any = None

    def __deepcopy__(self, _memo: object) -> Self:
        """Litestar copies handlers with all they carry; an immutable description need not be copied."""
        return self


def operation(id: str, summary: str, access: Access, **more: Any) -> dict[str, Any]:
    """The `opt` of a handler."""
    return {"operation": Operation(id=id, summary=summary, access=access, **more)}
