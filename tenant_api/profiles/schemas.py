"""Profiles on the wire."""

from typing import Annotated, Self

from tenant_api.db.tables import Profile
from tenant_api.kernel import lengths
from tenant_api.profiles.definition import faults_of
from tenant_api.web.rules import MaxLength, NotEmpty, Positive
from tenant_api.web.wire import Int32, ReadModel, Text, WriteModel, like

PROFILE = {
    "name": "Student-Enrollment-Read",
    "definition": (
        '<Profile name="Student-Enrollment-Read"><Resource name="StudentSchoolAssociation">'
        '<ReadContentType memberSelection="IncludeAll"/></Resource></Profile>'
    ),
}


class ProfileCreate(WriteModel):
    """Body of POST."""

    model_config = like(PROFILE)

    name: Annotated[
        Text | None,
        NotEmpty("Profile name is required."),
        MaxLength(lengths.PROFILE_NAME, "Profile name must be 500 characters or less."),
    ] = ""
    definition: Annotated[Text | None, NotEmpty("Profile definition is required.")] = ""

    def failures(self) -> dict[str, list[str]]:
        """None yet: `broken_rules` tells all of them at once, which takes its time for a long definition."""
        return {}

    def broken_rules(self) -> dict[str, list[str]]:
        """Every broken rule by member; the definition is judged together with the name."""
        found = super().failures()
        if faults := list(faults_of(self.definition or "", self.name or "")):
            found["Definition"] = [*found.get("Definition", []), *faults]
        return found


class ProfileReplace(ProfileCreate):
    """Body of PUT."""

    model_config = like({"id": 1, **PROFILE})

    id: Annotated[Int32, Positive("Profile Id must be greater than zero.")] = 0


class ProfileListed(ReadModel):
    """A profile in a list."""

    model_config = like({"id": 1, "name": PROFILE["name"]})

    id: int
    name: str

    @classmethod
    def of(cls, row: Profile) -> Self:
        assert row.id is not None
        return cls(id=row.id, name=row.name)


class ProfileRead(ReadModel):
    """A profile as it is shown; the definition character for character as it was sent."""

    model_config = like({"id": 1, **PROFILE})

    id: int
    name: str
    definition: str

    @classmethod
    def of(cls, row: Profile) -> Self:
        assert row.id is not None
        return cls(id=row.id, name=row.name, definition=row.definition)
