"""What is wrong with a catalog that only reading its mappings and templates can tell."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from esi_flows.catalog.schema_check import did_you_mean
from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.compiler import mapping as m
from esi_flows.compiler.parser import parse
from esi_flows.compiler.rendering import check_template
from esi_flows.model.errors import Finding, MappingError, TemplateError


def check_catalog(catalog: Catalog) -> list[Finding]:
    """Everything that would make a change fail whatever its values are.

    Mappings that cannot be read, templates that cannot be compiled, choices of templates that do
    not exist, and paths over types or relations that do not.
    """
    return list(_Check(catalog).findings())


@dataclass(frozen=True, slots=True)
class _Choice:
    """A type's mapping to a template: the names that it can give, as a pattern."""

    known: ResourceType
    handler: str
    names: re.Pattern[str]


class _Check:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._choices: list[_Choice] = []

    def findings(self) -> Iterator[Finding]:
        for known in self._catalog.types.values():
            yield from self._choices_of(known)
        for template in self._catalog.templates.values():
            yield from self._template(template)

    def _choices_of(self, known: ResourceType) -> Iterator[Finding]:
        for handler, source in known.template_mappings.items():
            where = f"resource type {known.type}, template_mappings.{handler}"
            try:
                mapping = parse(source)
            except MappingError as error:
                yield Finding(where, error.message, error.hint)
                continue
            yield from self._walk(where, mapping, known)
            choice = _Choice(known, handler, re.compile(_names(mapping)))
            self._choices.append(choice)
            names = [t.id for t in self._catalog.templates.values() if t.handler == handler]
            if mapping != m.Constant(None) and not any(map(choice.names.fullmatch, names)):
                wanted = mapping.value if isinstance(mapping, m.Constant) else ""
                hint = did_you_mean(str(wanted), names)
                yield Finding(where, f"there is no such template for {handler}", hint)

    def _template(self, template: Template) -> Iterator[Finding]:
        try:
            check_template(template.id, template.template_file)
        except TemplateError as error:
            yield Finding(f"template {template.id}", error.message, error.hint)
        users: list[ResourceType | None] = [
            choice.known
            for choice in self._choices
            if choice.handler == template.handler and choice.names.fullmatch(template.id)
        ]
        for name, source in template.parameter_mappings.items():
            where = f"template {template.id}, parameter {name}"
            try:
                mapping = parse(source)
            except MappingError as error:
                yield Finding(where, error.message, error.hint)
                continue
            for known in users or [None]:
                yield from self._walk(where, mapping, known)

    def _walk(self, where: str, mapping: m.Mapping, on: ResourceType | None) -> Iterator[Finding]:
        """Check every path in a mapping on a resource of type ``on`` (None: not known)."""
        match mapping:
            case m.Path(hops, _):
                yield from self._path(where, hops, on)
            case m.Output(type_name, field, _):
                yield from self._path(where, (m.TypedHop(type_name, field),), on)
            case m.Field(_, path, ignore_missing):
                yield from self._path(where, path, on, may_be_missing=ignore_missing)
            case m.OutputOf(_, path):
                yield from self._path(where, path, on)
            case m.TextJoin(parts) | m.Join(parts):
                for part in parts:
                    yield from self._walk(where, part, on)
            case m.Choice(condition, then, otherwise):
                operands = (
                    (condition.left, condition.right)
                    if isinstance(condition, m.Equal)
                    else (condition.text, condition.pattern)
                )
                for part in (*operands, then, otherwise):
                    yield from self._walk(where, part, on)
            case m.Loop(source, item):
                yield from self._walk(where, source, on)
                # what an item is like is not known here
                yield from self._walk(where, item, None)

    def _path(
        self,
        where: str,
        hops: tuple[m.Hop, ...],
        on: ResourceType | None,
        *,
        may_be_missing: bool = False,
    ) -> Iterator[Finding]:
        for hop in hops:
            if isinstance(hop, m.JoinHop):
                on = None
                continue
            if isinstance(hop, m.RelationHop):
                if on is None:
                    continue
                target = on.relations.get(hop.field)
                if target is None:
                    what = f"{hop.field!r} is no relation of {on.type}"
                    yield Finding(where, what, did_you_mean(hop.field, list(on.relations)))
                    return
            else:
                target = hop.type
            on = self._catalog.types.get(target)
            if on is None and not may_be_missing:
                what = f"there is no resource type {target!r}"
                yield Finding(where, what, did_you_mean(target, list(self._catalog.types)))
                return


def _names(mapping: m.Mapping) -> str:
    """A pattern for the template names that a choice can give.

    Of a join only its constant beginning and end are told, so that matching is never slow.
    """
    match mapping:
        case m.Constant(str(value)):
            return re.escape(value)
        case m.Constant():
            return "(?!)"
        case m.TextJoin(parts) | m.Join(parts):
            begin = _constants(parts)
            if len(begin) == len(parts):
                return re.escape("".join(begin))
            end = reversed(_constants(parts[::-1]))
            return re.escape("".join(begin)) + ".*" + re.escape("".join(end))
        case m.Choice(_, then, otherwise):
            return f"(?:{_names(then)}|{_names(otherwise)})"
        case _:
            return ".*"


def _constants(parts: Sequence[m.Mapping]) -> list[str]:
    """The texts that the parts begin with."""
    constants = itertools.takewhile(lambda part: isinstance(part, m.Constant), parts)
    return [str(part.value) for part in constants if isinstance(part, m.Constant)]
