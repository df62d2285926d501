"""Evaluating mappings: a configuration in, a value with the resources it was read from out."""

from __future__ import annotations

import json
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, replace
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.compiler import mapping as m
from esi_flows.compiler.configuration import Configuration, Documents
from esi_flows.compiler.patterns import PatternRefused, matches_start
from esi_flows.model.errors import MappingError, MissingDocument
from esi_flows.model.jobs import Parameter, ResourceRef

MAX_ITEMS = 10_000
"""How many items the loops of one parameter may go over in all."""

VALUE, OUTPUT_KEY, LIST = "value", "output_key", "list"


@dataclass(frozen=True, slots=True)
class Value:
    """What a mapping gives.

    ``type`` is ``value`` (any JSON), ``output_key`` (a reference to an output, looked up when the
    job runs) or ``list`` (a tuple of values). ``resources`` are those the value was read from, in
    order, repeats kept.
    """

    type: str
    value: Any
    resources: tuple[ResourceRef, ...] = ()

    def parameter(self, name: str) -> Parameter:
        """The job parameter ``name`` with this value. Elements of a list carry no resources."""
        value = self.value
        if self.type == LIST:
            value = tuple(replace(item, resources=()).parameter(name) for item in value)
        return Parameter(name, self.type, value, self.resources)


def evaluate(
    mapping: m.Mapping, configuration: Configuration, *, documents: Documents, catalog: Catalog
) -> Value:
    """The value of a mapping on a configuration.

    Raises MissingDocument where a path steps on a document that is not there, MappingError where
    the mapping does not fit the configuration.
    """
    return _Evaluation(documents, catalog).value(mapping, configuration)


class _Evaluation:
    """One evaluation; counts the items of its loops, so that no body can make it endless."""

    def __init__(self, documents: Documents, catalog: Catalog) -> None:
        self._documents = documents
        self._catalog = catalog
        self._items_left = MAX_ITEMS

    def value(self, mapping: m.Mapping, on: Configuration) -> Value:
        match mapping:
            case m.Property(field):
                return Value(VALUE, on.field(field))
            case m.Constant(value):
                return Value(VALUE, value)
            case m.Path(hops, field):
                end, stepped = self.follow(hops, on)
                return Value(VALUE, end.field(field), stepped)
            case m.Output(type_name, field, key):
                return self.reference(self.target(type_name, field, on), key)
            case m.Version():
                return Value(VALUE, on.version)
            case m.Field():
                return self.field(mapping, on)
            case m.OutputOf(key, path):
                end, stepped = self.follow(path, on)
                return replace(self.reference(end.resource, key), resources=stepped)
            case m.Nested(fields):
                return Value(VALUE, _inside(on, fields))
            case m.TextJoin(parts) | m.Join(parts):
                return self.join(parts, on)
            case m.Choice(condition, then, otherwise):
                return self.value(then if self.holds(condition, on) else otherwise, on)
            case m.Loop(source, item):
                return self.loop(source, item, on)

    def field(self, mapping: m.Field, on: Configuration) -> Value:
        try:
            end, stepped = self.follow(mapping.path, on)
        except _Missing:
            if mapping.ignore_missing:
                return Value(VALUE, "")
            raise
        value = end.field(mapping.field)
        related = self.relations(end).get(mapping.field)
        if related is not None and isinstance(value, str) and value:
            stepped = (*stepped, ResourceRef(related, value))
        return Value(VALUE, value, stepped)

    def reference(self, resource: ResourceRef, key: str) -> Value:
        output = {"output_key": key, "resource_type": resource.type, "resource_id": resource.id}
        return Value(OUTPUT_KEY, output, (resource,))

    def follow(
        self, hops: tuple[m.Hop, ...], on: Configuration
    ) -> tuple[Configuration, tuple[ResourceRef, ...]]:
        """Where the hops lead, and every resource stepped on."""
        stepped: list[ResourceRef] = []
        for hop in hops:
            target = self.step(hop, on)
            intent = self._documents.intent(target)
            if intent is None:
                raise _MissingTarget(
                    f"there is no configuration of {target}",
                    missing=str(target),
                    hint=f"write the configuration of {target}, or correct the reference to it",
                )
            stepped.append(target)
            on = Configuration(target, intent.body, intent.version)
        return on, tuple(stepped)

    def step(self, hop: m.Hop, on: Configuration) -> ResourceRef:
        if isinstance(hop, m.TypedHop):
            return self.target(hop.type, hop.field, on)
        name = hop.field if isinstance(hop, m.RelationHop) else self.text(hop.name, on)
        relations = self.relations(on)
        if name not in relations:
            known = ", ".join(sorted(relations)) or "none"
            what = "an item of a loop" if on.item else on.resource.type
            raise MappingError(f"{name!r} is no relation of {what}", hint=f"relations: {known}")
        return self.target(relations[name], name, on)

    def target(self, type_name: str, field: str, on: Configuration) -> ResourceRef:
        if not field and (not on.item or isinstance(on.body, dict)):
            raise MappingError(
                'id "" stands for the item of a loop over plain values, and there is none',
                hint="name the field that holds the id",
            )
        identifier = on.field(field) if field else on.body
        if identifier is None or identifier == "":
            place = f"field {field!r} of {on.resource}" if field else "the loop's item"
            raise _MissingId(f"{place} names no {type_name}", hint=f"set it to a {type_name}'s id")
        if not isinstance(identifier, str):
            raise MappingError(f"{m.kind_of(identifier)} is no id of a {type_name}", hint="a text")
        return ResourceRef(type_name, identifier)

    def relations(self, on: Configuration) -> AbstractMapping[str, str]:
        known = self._catalog.types.get(on.resource.type)
        return {} if known is None or on.item else known.relations

    def join(self, parts: tuple[m.Mapping, ...], on: Configuration) -> Value:
        values = [self.value(part, on) for part in parts]
        resources = tuple(r for value in values for r in value.resources)
        return Value(VALUE, "".join(map(as_text, values)), resources)

    def text(self, mapping: m.Mapping, on: Configuration) -> str:
        return as_text(self.value(mapping, on))

    def holds(self, condition: m.Condition, on: Configuration) -> bool:
        if isinstance(condition, m.Equal):
            left, right = self.value(condition.left, on), self.value(condition.right, on)
            return left.type == right.type and same_json(left.value, right.value)
        text = self.value(condition.text, on).value
        pattern = self.value(condition.pattern, on).value
        if not isinstance(pattern, str):
            raise MappingError(f"{m.kind_of(pattern)} is no pattern", hint="a text")
        try:
            return isinstance(text, str) and matches_start(pattern, text)
        except PatternRefused as error:
            raise MappingError(str(error)) from error

    def loop(self, source: m.Mapping, item: m.Mapping, on: Configuration) -> Value:
        over = self.value(source, on)
        items = [] if over.value is None else over.value
        if over.type != VALUE or not isinstance(items, list):
            raise MappingError(f"a loop goes over a list, not over {m.kind_of(over.value)}")
        self._items_left -= len(items)
        if self._items_left < 0:
            raise MappingError(f"the loops go over more than {MAX_ITEMS} items")
        values = [self.value(item, replace(on, body=body, item=True)) for body in items]
        resources = (*over.resources, *(r for value in values for r in value.resources))
        if all(value.type == VALUE for value in values):
            return Value(VALUE, [value.value for value in values], resources)
        return Value(LIST, tuple(values), resources)


class _Missing(MappingError):
    """A path cannot be followed to its end; ``ignore_missing`` is about these."""


class _MissingId(_Missing):
    """The field that should hold the next id holds none."""


class _MissingTarget(_Missing, MissingDocument):
    """The document the id names is not there."""


def located(error: MappingError, where: str) -> MappingError:
    """The same error, saying first where it happened."""
    message = f"{where}: {error.message}"
    if isinstance(error, MissingDocument):
        return MissingDocument(message, missing=error.missing, hint=error.hint)
    return MappingError(message, findings=error.findings, hint=error.hint)


def as_text(value: Value) -> str:
    """A value as part of a joined text: null is nothing, what is no text is written as JSON."""
    if value.type != VALUE:
        raise MappingError("an output is not known yet, it cannot become part of a text")
    if isinstance(value.value, str):
        return value.value
    return "" if value.value is None else json.dumps(value.value, sort_keys=True)


def same_json(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON (to Python, true equals 1)."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _inside(on: Configuration, fields: tuple[str, ...]) -> Any:
    value = on.field(fields[0])
    for name in fields[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value
