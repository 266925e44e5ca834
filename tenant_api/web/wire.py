"""Base of all wire models: camelCase, names in any case, numbers also as text, rules in the contract's words."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from tenant_api.web.rules import Opaque, Rule

_INTEGER = re.compile(r"-?[0-9]{1,19}")


def _number_from_text(value: Any) -> Any:
    """The contract takes a number as a JSON string; everything else is left to the strict type."""
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value


Int32: TypeAlias = Annotated[int, Field(strict=True, ge=-(2**31), le=2**31 - 1), BeforeValidator(_number_from_text)]
Int64: TypeAlias = Annotated[int, Field(strict=True, ge=-(2**63), le=2**63 - 1), BeforeValidator(_number_from_text)]
Text: TypeAlias = Annotated[str, Field(strict=True)]
Flag: TypeAlias = Annotated[bool, Field(strict=True)]


def like(example: Mapping[str, Any]) -> ConfigDict:
    """The configuration of a model with a body that its description shows, as it is on the wire."""
    return ConfigDict(json_schema_extra={"examples": [dict(example)]})


class ReadModel(BaseModel):
    """A body that we send: exactly these members, nulls included."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class WriteModel(BaseModel):
    """A body that we take. Validation checks structure alone; `failures` then lists every broken rule."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _names_in_any_case(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        names = _wire_names(cls)
        return {names[name.lower()]: value for name, value in body.items() if name.lower() in names}

    def failures(self) -> dict[str, list[str]]:
        """Messages by PascalCase member, in the order of members and rules."""
        found: dict[str, list[str]] = {}
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            member = pascal_case(name)
            rules = [rule for rule in info.metadata if isinstance(rule, Rule)]
            for suffix, message in _broken(rules, value, " ".join(_words(name))):
                found.setdefault(member + suffix, []).append(message)
            for suffix in () if Opaque() in info.metadata else _nul_characters(value):
                found.setdefault(member + suffix, []).append(
                    f"'{' '.join(_words(name))}' must not contain the NUL character."
                )
        return found


def pascal_case(name: str) -> str:
    """`contact_name` as the contract's `ContactName`."""
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    return [word.capitalize() for word in name.split("_")]


def _broken(rules: list[Rule], value: Any, label: str) -> Iterator[tuple[str, str]]:
    for rule in rules:
        yield from rule.failures(value, label)


def _nul_characters(value: Any) -> Iterator[str]:
    """PostgreSQL cannot store NUL in text."""
    if isinstance(value, str) and "\x00" in value:
        yield ""
    if isinstance(value, list):
        yield from (
            f"[{index}]" for index, element in enumerate(value) if isinstance(element, str) and "\x00" in element
        )


@cache
def _wire_names(model: type[BaseModel]) -> dict[str, str]:
    return {(info.alias or name).lower(): info.alias or name for name, info in model.model_fields.items()}
