"""A catalog with its mappings parsed: once per template, not once per change."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from esi_flows.catalog.types import HANDLER_ORDER, Catalog, Template
from esi_flows.compiler import mapping as m
from esi_flows.compiler.configuration import Configuration, Documents
from esi_flows.compiler.evaluate import evaluate, located
from esi_flows.compiler.parser import parse
from esi_flows.model.errors import MappingError


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """A template and its parameters' mappings, in alphabetical order of the parameters."""

    template: Template
    parameters: tuple[tuple[str, m.Mapping], ...]


class CompiledCatalog:
    """Answers from a catalog what compiling needs, parsing each mapping when first needed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._choices: dict[str, tuple[tuple[str, m.Mapping], ...]] = {}
        self._templates: dict[str, CompiledTemplate] = {}

    def choose(
        self, handler: str, configuration: Configuration, *, documents: Documents
    ) -> CompiledTemplate | None:
        """The template of ``handler`` for a configuration; None where it has no part in it.

        It has none when the type has no mapping for it, the mapping gives null, or there is no
        template of that name for this handler. Raises MappingError.
        """
        for name, mapping in self._mappings(configuration.resource.type):
            if name == handler:
                chosen = evaluate(
                    mapping, configuration, documents=documents, catalog=self._catalog
                ).value
                return self._template(chosen, handler)
        return None

    def _mappings(self, type_name: str) -> tuple[tuple[str, m.Mapping], ...]:
        if type_name not in self._choices:
            known = self._catalog.types.get(type_name)
            sources = {} if known is None else known.template_mappings
            self._choices[type_name] = tuple(
                (handler, _parse(sources[handler], f"the template choice of {type_name}"))
                for handler in HANDLER_ORDER
                if handler in sources
            )
        return self._choices[type_name]

    def _template(self, template_id: object, handler: str) -> CompiledTemplate | None:
        if template_id is None:
            return None
        if not isinstance(template_id, str):
            raise MappingError(
                f"a template choice for {handler} gives no name", hint="a template id, or null"
            )
        template = self._catalog.templates.get(template_id)
        if template is None or template.handler != handler:
            return None
        if template_id not in self._templates:
            mappings = template.parameter_mappings
            self._templates[template_id] = CompiledTemplate(
                template,
                tuple(
                    (name, _parse(mappings[name], f"template {template_id}, parameter {name}"))
                    for name in sorted(mappings)
                ),
            )
        return self._templates[template_id]


def _parse(source: object, where: str) -> m.Mapping:
    try:
        return parse(source)
    except MappingError as error:
        raise located(error, where) from error


_COMPILED: WeakKeyDictionary[Catalog, CompiledCatalog] = WeakKeyDictionary()


def compiled(catalog: Catalog) -> CompiledCatalog:
    """The catalog with its mappings parsed; the same object as long as the catalog lives."""
    known = _COMPILED.get(catalog)
    if known is None:
        known = _COMPILED[catalog] = CompiledCatalog(catalog)
    return known
