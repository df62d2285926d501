"""What only reading a catalog's mappings and texts can tell of its types and templates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from esi_flows.catalog.types import HEAT_WORKER, Catalog, ResourceType, Template
from esi_flows.catalog.yaml_files import Place, path_text
from esi_flows.compiler import mapping as m
from esi_flows.compiler.parser import parse, shown
from esi_flows.lint.choices import Choice, choices
from esi_flows.lint.flaws import Flaw, unknown
from esi_flows.lint.shapes import Shape, named_anywhere
from esi_flows.lint.steps import Steps
from esi_flows.lint.trial import Trial, try_template
from esi_flows.model.errors import Finding, MappingError, Severity


def check_catalog(catalog: Catalog) -> list[Finding]:
    """Everything that is wrong with a catalog that was not read from files."""
    check = CatalogCheck(catalog)
    named = [
        *((f"resource type {name}", check.of_type(known)) for name, known in catalog.types.items()),
        *((f"template {name}", check.of_template(t)) for name, t in catalog.templates.items()),
    ]
    return [
        Finding(where, said(flaw), flaw.hint, flaw.severity, None, flaw.value, flaw.allowed)
        for where, flaws in named
        for flaw in flaws
    ]


def said(flaw: Flaw) -> str:
    """What is wrong, and with which part of the document or of the text."""
    if flaw.line:
        return f"line {flaw.line}: {flaw.what}"
    return f"{path_text(flaw.place)}: {flaw.what}" if flaw.place else flaw.what


class CatalogCheck:
    """Checks one catalog. Of unread types and templates nothing is known but that they exist.

    ``heads`` are the texts of the templates' heads, by template: their comments count. ``partial``:
    templates that are not here may be in etcd.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        unread_types: Collection[str] = (),
        unread_templates: Collection[str] = (),
        heads: Mapping[str, str] | None = None,
        partial: bool = False,
    ) -> None:
        self._catalog = catalog
        self._unread_templates = unread_templates
        self._unread_types = unread_types
        self._heads = heads or {}
        self._partial = partial
        self._choices = choices(catalog)
        self._steps = Steps(catalog, unread_types, self._outputs)
        self._trials: dict[str, Trial] = {}

    def of_type(self, known: ResourceType) -> Iterator[Flaw]:
        """Everything wrong with a resource type."""
        yield from _named_fields(known)
        for handler, source in known.template_mappings.items():
            place: Place = ("template_mappings", handler)
            mapping, flaws = _parsed(source, place)
            yield from flaws
            if mapping is not None:
                yield from self._steps.mapping(mapping, Shape.of(known), place)
                yield from self._names_none(known, handler, mapping)

    def _names_none(self, known: ResourceType, handler: str, mapping: m.Mapping) -> Iterator[Flaw]:
        names = [t.id for t in self._catalog.templates.values() if t.handler == handler]
        there = [*names, *self._unread_templates]
        for choice in self._choices:
            if choice.known is not known or choice.handler != handler or choice.is_none:
                continue
            if not any(map(choice.may_name, there)):
                wanted = str(mapping.value) if isinstance(mapping, m.Constant) else ""
                what = f"there is no such template for {handler}"
                severity = Severity.WARNING if self._partial else Severity.ERROR
                place: Place = ("template_mappings", handler)
                yield unknown(place, what, wanted, names, severity=severity)

    def of_template(self, template: Template) -> Iterator[Flaw]:
        """Everything wrong with a template: its mappings, and its text."""
        users = self._users(template)
        if not users and not self._may_be_chosen(template.handler):
            what, hint = "no resource type chooses this template", "see template_mappings"
            yield Flaw(("id",), what, hint, value=template.id, severity=Severity.WARNING)
        mapped = list(self._mapped(template, users))
        yield from mapped
        yield from self._trial(template).told(after=mapped)

    def _mapped(self, template: Template, users: Sequence[Shape]) -> Iterator[Flaw]:
        """Everything wrong with the mappings of a template."""
        for name, source in template.parameter_mappings.items():
            place: Place = ("parameter_mappings", name)
            mapping, flaws = _parsed(source, place)
            yield from flaws
            if mapping is not None:
                shapes = users or [Shape()]
                found = (flaw for on in shapes for flaw in self._steps.mapping(mapping, on, place))
                yield from dict.fromkeys(found)

    def _may_be_chosen(self, handler: str) -> bool:
        """Whether there is a choice of which nobody can tell what it was to name."""
        asked = sum(handler in known.template_mappings for known in self._catalog.types.values())
        told = [choice for choice in self._choices if choice.handler == handler]
        lost = any(not choice.is_none and not self._chosen(choice) for choice in told)
        return lost or len(told) < asked or bool(self._unread_types or self._unread_templates)

    def _chosen(self, choice: Choice) -> list[Template]:
        return [t for t in self._catalog.templates.values() if choice.may_be(t)]

    def _users(self, template: Template) -> list[Shape]:
        """What the template is evaluated on."""
        return [Shape.of(choice.known) for choice in self._choices if choice.may_be(template)]

    def _trial(self, template: Template) -> Trial:
        if template.id not in self._trials:
            mappings = {
                name: _parsed(source, ())[0] for name, source in template.parameter_mappings.items()
            }
            users, head = self._users(template), self._heads.get(template.id)
            self._trials[template.id] = try_template(
                template, mappings, users, self._catalog, head=head
            )
        return self._trials[template.id]

    def _outputs(self, known: ResourceType) -> Collection[str] | None:
        """The outputs that stacks of a type can have; None where that is not known."""
        if HEAT_WORKER not in known.template_mappings:
            return ()
        found: set[str] = set()
        for choice in self._choices:
            if choice.known is not known or choice.handler != HEAT_WORKER:
                continue
            if choice.is_none:
                return ()
            if any(map(choice.may_name, self._unread_templates)):
                return None
            for template in self._chosen(choice):
                outputs = self._trial(template).outputs
                if outputs is None:
                    return None
                found |= outputs
        return found or None


def _parsed(source: object, place: Place) -> tuple[m.Mapping | None, list[Flaw]]:
    try:
        return parse(source), []
    except MappingError as error:
        inner = error.findings[0].where if error.findings else ""
        at = (*place, *_place_in(inner))
        return None, [Flaw(at, error.message, error.hint, value=shown(source))]


def _place_in(where: str) -> Place:
    """The place that a parser names: ``then_mapping.path[0], character 3``."""
    if where.startswith(("character ", "the start")):
        return ()
    names = re.findall(r"([^.\[\],]+)|\[(\d+)\]", where.partition(", character")[0])
    return tuple(int(index) if index else name for name, index in names)


def _named_fields(known: ResourceType) -> Iterator[Flaw]:
    """Relations and secrets of fields that the schema does not have."""
    shape = Shape.of(known)
    fields = shape.fields
    severity = Severity.ERROR if shape.closed else Severity.WARNING
    for name in known.relations if fields is not None else ():
        if name not in (fields or {}):
            what = f"the schema has no field {name!r}"
            yield unknown(("relations", name), what, name, fields or {}, severity=severity)
    anywhere = named_anywhere(known.schema)
    for name in sorted(known.secrets):
        if anywhere and name not in anywhere:
            what = f"the schema has no field {name!r}"
            yield unknown(("secrets",), what, name, anywhere, severity=Severity.WARNING)
