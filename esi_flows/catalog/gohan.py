"""Resource types out of gohan's schema list.

Two forms are read: what gohan answers (``{schemas: [{id, plural, prefix, metadata, schema}]}``,
relations are attributes of properties), and a summary of it by id (``{schemas: {id: {plural,
prefix, metadata, relations, properties: {field: type}}}, template_mappings: {handler: {id:
mapping}}}``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema

from esi_flows.catalog.types import HEAT_WORKER, ResourceType
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import Finding, InvalidInput

TEMPLATE_SCHEMA = "heat_template"
"""gohan's type of the templates themselves: never compiled, so no resource type."""

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_KEYWORDS = frozenset(
    (
        "title",
        "description",
        "type",
        "enum",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "required",
        "properties",
        "items",
        "additionalProperties",
        "anyOf",
        "oneOf",
        "allOf",
    )
)
"""The words of JSON Schema that are kept; gohan has many of its own, and those of an old draft."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The types of a schema list, and what was left out of it, in words."""

    types: tuple[ResourceType, ...]
    left_out: tuple[str, ...]


def read_schemas(source: str, document: Any) -> Imported:
    """The resource types of a schema list. Raises InvalidInput with every finding."""
    reading = _Reading(source)
    if isinstance(document, dict) and isinstance(document.get("schemas"), dict | list):
        for name, schema in _entries(document["schemas"]):
            reading.schema(name, schema, _choices(document, name))
    else:
        reading.found("", "is no schema list: it has no schemas")
    if reading.findings:
        raise InvalidInput(f"{source} cannot be imported", findings=reading.findings)
    return Imported(tuple(reading.related()), tuple(reading.left_out))


def _entries(schemas: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(schemas, dict):
        yield from schemas.items()
        return
    for schema in schemas:
        yield schema.get("id") if isinstance(schema, dict) else None, schema


def _choices(document: JsonObject, name: Any) -> dict[str, Any]:
    """The template mappings that a summary has of a type, by handler."""
    tables = document.get("template_mappings")
    found = tables.items() if isinstance(tables, dict) else ()
    return {
        handler: table[name]
        for handler, table in found
        if isinstance(table, dict) and name in table
    }


@dataclass(slots=True)
class _Reading:
    source: str
    types: dict[str, ResourceType] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def found(self, name: Any, what: str, hint: str = "") -> None:
        where = f"{self.source}: schema {name}" if name else self.source
        self.findings.append(Finding(where, what, hint))

    def schema(self, name: Any, schema: Any, choices: Mapping[str, Any]) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.found(repr(name), "has no id that can be the name of a type")
            return
        if not isinstance(schema, dict):
            self.found(name, "is no object")
            return
        metadata = schema.get("metadata") or {}
        if not isinstance(metadata, dict):
            self.found(name, "metadata is no object")
        elif metadata.get("type") == "metaschema" or name == TEMPLATE_SCHEMA:
            self.left_out.append(f"{name}: gohan's own")
        elif schema.get("type") == "abstract":
            self.left_out.append(f"{name}: abstract")
        else:
            path = metadata.get("template_path")
            mappings = {HEAT_WORKER: path, **choices} if path else dict(choices)
            self.resource_type(name, schema, mappings)

    def resource_type(self, name: str, schema: JsonObject, mappings: dict[str, Any]) -> None:
        plural, prefix = schema.get("plural"), schema.get("prefix")
        if not isinstance(plural, str) or not _NAME.fullmatch(plural):
            self.found(name, f"plural {plural!r} is no name")
            return
        if not isinstance(prefix, str) or not prefix.startswith("/"):
            self.found(name, f"prefix {prefix!r} is no URL prefix", "such as /v2.0")
            return
        body = _body(schema)
        try:
            jsonschema.Draft202012Validator.check_schema(body)
        except jsonschema.SchemaError as error:
            place = ".".join(map(str, error.absolute_path))
            self.found(name, f"schema is no JSON Schema at {place!r}: {error.message}")
            return
        # gohan's answers say the whole URL of the collection, its files only what comes before it
        prefix = prefix.rstrip("/").removesuffix(f"/{plural}")
        self.types[name] = ResourceType(
            type=name,
            prefix=prefix,
            plural=plural,
            description=_text(schema.get("description")) or _text(schema.get("title")),
            relations=_relations(schema),
            template_mappings=mappings,
            schema=body,
        )

    def related(self) -> Iterator[ResourceType]:
        """The types, without relations to what is no type."""
        for known in sorted(self.types.values(), key=lambda known: known.type):
            relations = {}
            for name, target in known.relations.items():
                if target in self.types:
                    relations[name] = target
                else:
                    self.left_out.append(f"{known.type}.{name}: refers to {target}, no type here")
            yield ResourceType(
                type=known.type,
                prefix=known.prefix,
                plural=known.plural,
                description=known.description,
                relations=relations,
                template_mappings=known.template_mappings,
                schema=known.schema,
            )


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _relations(schema: JsonObject) -> dict[str, str]:
    summary = schema.get("relations")
    if isinstance(summary, dict):
        return {str(name): target for name, target in summary.items() if isinstance(target, str)}
    inner = schema.get("schema")
    properties = inner.get("properties") if isinstance(inner, dict) else None
    found = {
        str(name): given["relation"]
        for name, given in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(given, dict) and isinstance(given.get("relation"), str)
    }
    parent = schema.get("parent")
    if isinstance(parent, str) and isinstance(properties, dict) and f"{parent}_id" in properties:
        found.setdefault(f"{parent}_id", parent)
    return found


def _body(schema: JsonObject) -> dict[str, Any]:
    """The JSON Schema of the bodies; of a summary, one that tells the fields and their types."""
    inner = schema.get("schema")
    if isinstance(inner, dict):
        return {"type": "object", **_kept(inner)}
    properties = schema.get("properties")
    fields = properties.items() if isinstance(properties, dict) else ()
    return {
        "type": "object",
        "properties": {str(name): {"type": kinds} for name, kinds in fields if kinds},
    }


def _kept(schema: Any) -> Any:
    """A schema with the words that are kept, however deep."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for word, value in schema.items():
        if word not in _KEYWORDS:
            continue
        if word == "properties" and isinstance(value, dict):
            kept[word] = {str(name): _kept(inner) for name, inner in value.items()}
        elif word in ("items", "additionalProperties"):
            kept[word] = _kept(value)
        elif word in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
            kept[word] = [_kept(inner) for inner in value]
        elif word != "required" or isinstance(value, list):
            kept[word] = value  # a property's own ``required: true`` is of an older draft
    return kept
