"""Values as they could come, made from schemas: to try a template before there is anything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.compiler import mapping as m
from esi_flows.compiler.evaluate import Value as Evaluated
from esi_flows.compiler.evaluate import as_text
from esi_flows.compiler.patterns import PatternRefused, matches_start
from esi_flows.lint.shapes import Shape, fields_of, follow, is_object, kinds_of, schema_of
from esi_flows.model.errors import MappingError

MAX_DEPTH = 8
_TEXTS = (
    "sample",
    "1",
    "10.0.0.0/24",
    "10.0.0.1",
    "02:00:00:00:00:01",
    "00000000-0000-4000-8000-000000000000",
    "2001:db8::1",
    "https://example.org",
)


class Taste(Enum):
    """Which of the values that could come."""

    FULL = "everything is there, conditions hold"
    OTHER = "everything is there, conditions do not hold"
    BARE = "what may be missing is missing, lists are empty"


@dataclass(frozen=True, slots=True)
class Sample:
    """A value; ``guessed`` where nothing says what kind of value comes."""

    value: Any
    guessed: bool = False


def sample(mapping: m.Mapping, on: Shape, catalog: Catalog, taste: Taste) -> Sample:
    """A value that a mapping could give."""
    match mapping:
        case m.Constant(value):
            return Sample(value)
        case m.Version():
            return Sample(1)
        case m.Output() | m.OutputOf():
            # of which kind an output is, no template says; nearly all are ids and names
            return Sample("sample")
        case m.TextJoin(parts) | m.Join(parts):
            values = [sample(part, on, catalog, taste) for part in parts]
            return Sample("".join(map(_text, values)), any(value.guessed for value in values))
        case m.Choice():
            return _branch(mapping, on, catalog, taste)
        case m.Loop(source, item):
            return _loop(source, item, on, catalog, taste)
        case m.Property(name) | m.Field(name, ()):
            return _of_schema(schema_of(mapping, on, catalog), taste, must=_required(name, on))
        case m.Field(name, path) | m.Path(path, name):
            end = follow(path, on, catalog)
            must = _required(name, end) and not getattr(mapping, "ignore_missing", False)
            return _of_schema(schema_of(mapping, on, catalog), taste, must=must)
        case m.Nested():
            return _of_schema(schema_of(mapping, on, catalog), taste, must=False)


def _text(value: Sample) -> str:
    try:
        return as_text(Evaluated("value", value.value))
    except (TypeError, MappingError):
        return "sample"


def _branch(mapping: m.Choice, on: Shape, catalog: Catalog, taste: Taste) -> Sample:
    first, second = mapping.then, mapping.otherwise
    if taste is Taste.FULL and first == m.Constant(None):
        first, second = second, first
    return sample(first if taste is Taste.FULL else second, on, catalog, taste)


def _loop(source: m.Mapping, item: m.Mapping, on: Shape, catalog: Catalog, taste: Taste) -> Sample:
    over = sample(source, on, catalog, taste)
    if isinstance(over.value, list) and not over.value:
        return Sample([], over.guessed)
    inner = sample(item, on.items(schema_of(source, on, catalog)), catalog, taste)
    return Sample([inner.value], inner.guessed or over.guessed)


def _required(name: str, on: Shape) -> bool:
    required = on.schema.get("required") if is_object(on.schema) else None
    return name == "id" or (isinstance(required, list) and name in required)


def _of_schema(schema: Any, taste: Taste, *, must: bool, depth: int = 0) -> Sample:
    if taste is Taste.BARE and not must:
        return Sample(None)
    if not is_object(schema) or depth > MAX_DEPTH:
        return Sample("sample", guessed=True)
    for name in ("const", "default"):
        if name in schema:
            return Sample(schema[name])
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list) and schema[name]:
            return Sample(schema[name][0])
    kinds = [kind for kind in _ORDER if kind in kinds_of(schema)]
    kind = kinds[0] if kinds else "object" if fields_of(schema) else ""
    return _of_kind(kind, schema, taste, depth)


_ORDER = ("object", "array", "string", "integer", "number", "boolean", "null")


def _of_kind(kind: str, schema: Mapping[str, Any], taste: Taste, depth: int) -> Sample:
    match kind:
        case "object":
            return _object(schema, taste, depth)
        case "array":
            if taste is Taste.BARE and not schema.get("minItems"):
                return Sample([])
            item = _of_schema(schema.get("items"), taste, must=True, depth=depth + 1)
            return Sample([item.value], item.guessed)
        case "string":
            pattern = schema.get("pattern")
            return next(_matching(pattern)) if isinstance(pattern, str) else Sample("sample")
        case "integer" | "number":
            least = schema.get("minimum", 1)
            return Sample(least if isinstance(least, int | float) else 1)
        case "boolean":
            return Sample(taste is Taste.FULL)
        case "null":
            return Sample(None)
        case _:
            return Sample("sample", guessed=True)


def _object(schema: Mapping[str, Any], taste: Taste, depth: int) -> Sample:
    fields = fields_of(schema)
    if not fields:
        return Sample({}, guessed=True)
    required = schema.get("required")
    listed = required if isinstance(required, list) else []
    values = {
        name: _of_schema(inner, taste, must=name in listed, depth=depth + 1)
        for name, inner in itertools.islice(fields.items(), 100)
    }
    guessed = any(value.guessed for value in values.values())
    return Sample({name: value.value for name, value in values.items()}, guessed)


def _matching(pattern: str) -> Iterator[Sample]:
    for text in _TEXTS:
        try:
            if matches_start(pattern, text):
                yield Sample(text)
        except PatternRefused:
            break
    yield Sample("sample", guessed=True)
