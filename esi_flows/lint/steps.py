"""What mappings step over and read: do the fields, relations, types and outputs they name exist?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence

from esi_flows.catalog.types import Catalog, ResourceType
from esi_flows.catalog.yaml_files import Place
from esi_flows.compiler import mapping as m
from esi_flows.compiler.patterns import PatternRefused, matches_start
from esi_flows.lint.flaws import Flaw, unknown
from esi_flows.lint.shapes import Shape, fields_of, inside, kinds_of, schema_of, step
from esi_flows.model.errors import Severity

Outputs = Callable[[ResourceType], Collection[str] | None]
"""The outputs that the stacks of a type can have; None where that is not known."""


class Steps:
    """Checks the mappings of one catalog. Of ``unread`` types only the names are known."""

    def __init__(self, catalog: Catalog, unread: Collection[str], outputs: Outputs) -> None:
        self._catalog = catalog
        self._unread = unread
        self._outputs = outputs

    def mapping(self, mapping: m.Mapping, on: Shape, place: Place) -> Iterator[Flaw]:
        """Everything wrong with a mapping on something of a shape."""
        match mapping:
            case m.Property(field):
                yield from self._reads(field, on, place)
            case m.Nested(names):
                yield from self._inside(names, on, place)
            case m.Path(hops, field):
                yield from self._path(hops, field, on, (place,) * len(hops), place)
            case m.Output(type_name, field, key):
                hops = (m.TypedHop(type_name, field),)
                yield from self._output(hops, key, on, (place,), place)
            case m.Field(field, path, ignore_missing):
                places = [(*place, "path", index) for index in range(len(path))]
                yield from self._path(
                    path, field, on, places, (*place, "field"), may_be_missing=ignore_missing
                )
            case m.OutputOf(key, path):
                places = [(*place, "path", index) for index in range(len(path))]
                yield from self._output(path, key, on, places, (*place, "output_key"))
            case _:
                if isinstance(mapping, m.Choice):
                    yield from _pattern(mapping.condition, place)
                for part, shape, inner in self._parts(mapping, on, place):
                    yield from self.mapping(part, shape, inner)

    def _parts(
        self, mapping: m.Mapping, on: Shape, place: Place
    ) -> Iterator[tuple[m.Mapping, Shape, Place]]:
        match mapping:
            case m.TextJoin(parts):
                yield from ((part, on, place) for part in parts)
            case m.Join(parts):
                for index, part in enumerate(parts):
                    yield part, on, (*place, "concatenate", index)
            case m.Choice(condition, then, otherwise):
                is_equal = isinstance(condition, m.Equal)
                kind = "equal" if is_equal else "regexp"
                operands = (
                    (condition.left, condition.right)
                    if isinstance(condition, m.Equal)
                    else (condition.text, condition.pattern)
                )
                for index, operand in enumerate(operands):
                    yield operand, on, (*place, "if_mapping", kind, index)
                yield then, on, (*place, "then_mapping")
                yield otherwise, on, (*place, "else_mapping")
            case m.Loop(source, item):
                yield source, on, (*place, "for_field")
                items = on.items(schema_of(source, on, self._catalog))
                yield item, items, (*place, "for_mapping")

    def _path(
        self,
        hops: Sequence[m.Hop],
        field: str,
        on: Shape,
        places: Sequence[Place],
        place: Place,
        *,
        may_be_missing: bool = False,
    ) -> Iterator[Flaw]:
        end = yield from self._follow(hops, on, places, may_be_missing=may_be_missing)
        if end is not None:
            yield from self._reads(field, end, place)

    def _output(
        self, hops: Sequence[m.Hop], key: str, on: Shape, places: Sequence[Place], place: Place
    ) -> Iterator[Flaw]:
        end = yield from self._follow(hops, on, places)
        if end is None or end.type is None:
            return
        known = self._outputs(end.type)
        if known is None or key in known:
            return
        if not known:
            what = f"{end.type.type} has no output {key!r}: no Heat template of it has any"
            yield Flaw(place, what, value=key)
        else:
            what = f"no template of {end.type.type} has an output {key!r}"
            yield unknown(place, what, key, known)

    def _follow(
        self,
        hops: Sequence[m.Hop],
        on: Shape,
        places: Sequence[Place],
        *,
        may_be_missing: bool = False,
    ) -> Generator[Flaw, None, Shape | None]:
        """What is wrong on the way; gives where the way leads, or None where nowhere."""
        for hop, place in zip(hops, places, strict=True):
            if isinstance(hop, m.JoinHop):
                yield from self.mapping(hop.name, on, place)
            elif isinstance(hop, m.RelationHop):
                if on.type is not None and hop.field not in on.relations:
                    what = f"{hop.field!r} is no relation of {on}"
                    yield unknown(place, what, hop.field, on.relations)
                    return None
            else:
                wrong = list(self._typed(hop, on, place, may_be_missing=may_be_missing))
                yield from wrong
                if any(flaw.severity is Severity.ERROR for flaw in wrong):
                    return None
            on = step(hop, on, self._catalog)
        return on

    def _typed(
        self, hop: m.TypedHop, on: Shape, place: Place, *, may_be_missing: bool
    ) -> Iterator[Flaw]:
        if not self._there(hop.type) and not may_be_missing:
            what = f"there is no resource type {hop.type!r}"
            yield unknown(place, what, hop.type, self._catalog.types)
            return
        if not hop.field:
            if not on.item:
                hint = "name the field that holds the id"
                yield Flaw(place, 'id "" stands for the item of a loop, and there is none', hint)
            return
        related = on.relations.get(hop.field)
        if related is not None and related != hop.type and self._there(related):
            what = f"{hop.field!r} of {on} is a relation to {related}, not to {hop.type}"
            yield Flaw(place, what, value=hop.type, allowed=related)
        elif related is None:
            yield from self._reads(hop.field, on, place)
            kinds = kinds_of((on.fields or {}).get(hop.field))
            if kinds and "string" not in kinds:
                what = f"{hop.field!r} of {on} holds no id: it is no relation and no text"
                yield Flaw(place, what, allowed=", ".join(sorted(on.relations)))

    def _there(self, type_name: str) -> bool:
        return type_name in self._catalog.types or type_name in self._unread

    def _reads(self, field: str, on: Shape, place: Place) -> Iterator[Flaw]:
        known = on.fields
        if known is None or field in known:
            return
        severity = Severity.ERROR if on.closed else Severity.WARNING
        what = f"{on} has no field {field!r}, its schema says"
        yield unknown(place, what, field, known, severity=severity)

    def _inside(self, names: Sequence[str], on: Shape, place: Place) -> Iterator[Flaw]:
        yield from self._reads(names[0], on, place)
        for index, name in enumerate(names[1:], 1):
            known = fields_of(inside(on.schema, names[:index]))
            if known is not None and name not in known:
                what = f"{'.'.join(names[:index])} of {on} has no field {name!r}, its schema says"
                yield unknown(place, what, name, known, severity=Severity.WARNING)
                return


def _pattern(condition: m.Condition, place: Place) -> Iterator[Flaw]:
    if isinstance(condition, m.Regexp) and isinstance(condition.pattern, m.Constant):
        pattern = condition.pattern.value
        try:
            if not isinstance(pattern, str):
                raise PatternRefused(f"{m.kind_of(pattern)} is no pattern")
            matches_start(pattern, "")
        except PatternRefused as error:
            yield Flaw((*place, "if_mapping", "regexp", 1), str(error), value=str(pattern))
