"""JSON schemas of wire models, with the contract's rules as far as JSON Schema can say them."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from tenant_api.web.rules import Each, Email, Matches, MaxLength, NotEmpty, Positive, Rule
from tenant_api.web.wire import WriteModel

SENT: JsonSchemaMode = "serialization"
TAKEN: JsonSchemaMode = "validation"
REFERENCE = "#/components/schemas/{model}"


class JsonSchemas:
    """The schemas of some types: each one by reference or in place, and the models that they refer to."""

    def __init__(self, types: Iterable[tuple[Any, JsonSchemaMode]]) -> None:
        # By identity: annotations need not be hashable.
        known = {(id(annotation), mode): annotation for annotation, mode in types}
        inputs = [(key, mode, TypeAdapter(annotation)) for (key, mode), annotation in known.items()]
        self._schemas, defined = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE, schema_generator=_WireSchema)
        self.models: dict[str, JsonSchemaValue] = defined.get("$defs", {})

    def of(self, annotation: Any, mode: JsonSchemaMode) -> JsonSchemaValue:
        """The schema of one of the types given."""
        return self._schemas[id(annotation), mode]

    def resolved(self, schema: JsonSchemaValue) -> JsonSchemaValue:
        """What a schema refers to, or itself."""
        reference = schema.get("$ref")
        return self.models[reference.rpartition("/")[2]] if reference else schema

    def example(self, schema: JsonSchemaValue) -> Any:
        """A value of a schema: of the model, of the first of several kinds, or a list of one. None if none is known."""
        found = self.resolved(schema)
        if found.get("type") == "array":
            return [self.example(found["items"])]
        if kinds := found.get("anyOf"):
            return self.example(kinds[0])
        return next(iter(found.get("examples", ())), None)


class _WireSchema(GenerateJsonSchema):
    """Bodies that we send are closed; bodies that we take state their rules."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - members are named by their keys
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        always_sent = self.mode == SENT and "serialization_exclude_if" not in field
        return always_sent or super().field_is_required(field, total)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        if self.mode == SENT:
            described["additionalProperties"] = False
        elif issubclass(model, WriteModel):
            _state_rules(described, model)
        return described


def _state_rules(described: JsonSchemaValue, model: type[WriteModel]) -> None:
    """Keywords for the rules. What may not be left out, because its default breaks a rule, is required."""
    required = set(described.get("required", ()))
    for name, info in model.model_fields.items():
        alias = info.alias or name
        rules = [rule for rule in info.metadata if isinstance(rule, Rule)]
        for rule in rules:
            _state_rule(described["properties"][alias], rule)
        # An `id` in a body repeats that of the path.
        if name == "id" or info.is_required() or any(list(rule.failures(info.default, name)) for rule in rules):
            described["properties"][alias].pop("default", None)
            required.add(alias)
    if required:
        described["required"] = [alias for alias in described["properties"] if alias in required]


def _state_rule(member: JsonSchemaValue, rule: object) -> None:
    """Keywords about texts and numbers say nothing about null, so they may stand beside `anyOf`."""
    match rule:
        case NotEmpty():
            _forbid_null(member)
            member["minItems" if _array(member) else "minLength"] = 1
        case MaxLength(limit=limit):
            member["maxLength"] = limit
        case Positive():
            member["exclusiveMinimum"] = 0
        case Matches(pattern=pattern):
            member["pattern"] = f"^(?:{pattern})$"
        case Email():
            member["pattern"] = "^[^@]+@[^@]+$"
        case Each(rule=inner) if array := _array(member):
            _state_rule(array["items"], inner)


def _forbid_null(member: JsonSchemaValue) -> None:
    if kinds := [kind for kind in member.get("anyOf", ()) if kind != {"type": "null"}]:
        del member["anyOf"]
        member.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _array(member: JsonSchemaValue) -> JsonSchemaValue | None:
    kinds = [member, *member.get("anyOf", ())]
    return next((kind for kind in kinds if kind.get("type") == "array"), None)
