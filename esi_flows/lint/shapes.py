"""What is known of a resource before there is one: the fields that its type's schema names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from esi_flows.catalog.types import Catalog, ResourceType
from esi_flows.compiler import mapping as m
from esi_flows.model.codec import JsonObject

Fields = Mapping[str, Any]
"""Fields by name, each with its schema."""

_PARTS = ("allOf", "anyOf", "oneOf")
_BRANCHES = ("if", "then", "else")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a mapping is evaluated on: a resource of ``type``, or an item of a loop over its lists.

    ``type`` None: not known which. ``schema`` is that of the body or of the item.
    """

    type: ResourceType | None = None
    schema: Any = None
    item: bool = False

    @classmethod
    def of(cls, known: ResourceType | None) -> Shape:
        """A resource of a type, or of one that is not known."""
        return cls(known, known.schema if known is not None else None)

    def items(self, schema: Any) -> Shape:
        """An item of a list that is of ``schema``."""
        return replace(self, schema=schema.get("items") if is_object(schema) else None, item=True)

    @property
    def fields(self) -> Fields | None:
        """Its fields, or None where they are not known."""
        found = fields_of(self.schema)
        if found is None or self.item:
            return found
        return {"id": {"type": "string"}, **found}

    @property
    def closed(self) -> bool:
        """Whether it can have no other fields than those."""
        return is_object(self.schema) and self.schema.get("additionalProperties") is False

    @property
    def relations(self) -> Mapping[str, str]:
        """Its relations, as the compiler knows them; items of loops have none."""
        return {} if self.type is None or self.item else self.type.relations

    def __str__(self) -> str:
        name = self.type.type if self.type is not None else "a resource"
        return f"an item of a list of {name}" if self.item else name


def is_object(schema: Any) -> bool:
    """Whether a schema is one with members (``true`` and ``false`` are schemas too)."""
    return isinstance(schema, Mapping)


def fields_of(schema: Any) -> Fields | None:
    """The fields that a schema names anywhere; None where it names none, or refers elsewhere."""
    if not is_object(schema) or "$ref" in schema or "patternProperties" in schema:
        return None
    found: dict[str, Any] = {}
    for part in _parts(schema):
        found = {**(fields_of(part) or {}), **found}
    own = schema.get("properties")
    if isinstance(own, Mapping):
        found.update(own)
    return found or None


def _parts(schema: JsonObject) -> Iterator[Any]:
    for name in _PARTS:
        listed = schema.get(name)
        yield from listed if isinstance(listed, list) else ()
    yield from (schema[name] for name in _BRANCHES if name in schema)


def kinds_of(schema: Any) -> frozenset[str]:
    """The JSON types that a schema allows; empty where it does not say."""
    kinds = schema.get("type") if is_object(schema) else None
    listed = kinds if isinstance(kinds, list) else [kinds]
    return frozenset(kind for kind in listed if isinstance(kind, str))


def inside(schema: Any, names: Sequence[str]) -> Any:
    """The schema of the value at a path of fields; None where it is not known."""
    for name in names:
        schema = (fields_of(schema) or {}).get(name)
    return schema


def step(hop: m.Hop, on: Shape, catalog: Catalog) -> Shape:
    """What a hop leads to, as far as that is known."""
    if isinstance(hop, m.TypedHop):
        return Shape.of(catalog.types.get(hop.type))
    if isinstance(hop, m.RelationHop):
        return Shape.of(catalog.types.get(on.relations.get(hop.field, "")))
    return Shape()


def follow(hops: Sequence[m.Hop], on: Shape, catalog: Catalog) -> Shape:
    """What a path leads to, as far as that is known."""
    for hop in hops:
        on = step(hop, on, catalog)
    return on


def schema_of(mapping: m.Mapping, on: Shape, catalog: Catalog) -> Any:
    """The schema of what a mapping gives; None where it is not known."""
    match mapping:
        case m.Property(field):
            return (on.fields or {}).get(field)
        case m.Nested(names):
            return inside(on.schema, names)
        case m.Field(field, path):
            return (follow(path, on, catalog).fields or {}).get(field)
        case m.Path(hops, field):
            return (follow(hops, on, catalog).fields or {}).get(field)
        case _:
            return None


def named_anywhere(schema: Any) -> frozenset[str]:
    """Every field name in a schema, however deep; none where it refers elsewhere."""
    found: set[str] = set()
    pending = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, Mapping):
            if "$ref" in part:
                return frozenset()
            fields = part.get("properties")
            found.update(fields if isinstance(fields, Mapping) else ())
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
    return frozenset(found)
