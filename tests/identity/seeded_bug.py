"""What all bugs of the seeded ones have."""

from typing import ClassVar

from tenant_api_idp_acme import AcmeProvider


class Bug(AcmeProvider):
    """`caught_by` names the check of the kit that must fail for it."""

    caught_by: ClassVar[str]
