"""Which templates the types of a catalog can choose."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.compiler import mapping as m
from esi_flows.compiler.parser import parse
from esi_flows.model.errors import MappingError


@dataclass(frozen=True, slots=True)
class Choice:
    """A type's mapping to a template, and the names that it can give, as a pattern."""

    known: ResourceType
    handler: str
    mapping: m.Mapping
    names: re.Pattern[str]

    @property
    def is_none(self) -> bool:
        """Whether it says that the handler has no part in the type."""
        return self.mapping == m.Constant(None)

    def may_be(self, template: Template) -> bool:
        """Whether it can name the template."""
        return template.handler == self.handler and self.may_name(template.id)

    def may_name(self, template_id: str) -> bool:
        """Whether it can give this name."""
        return self.names.fullmatch(template_id) is not None


def choices(catalog: Catalog) -> list[Choice]:
    """Every template mapping of a catalog that can be read."""
    found = []
    for known in catalog.types.values():
        for handler, source in known.template_mappings.items():
            try:
                mapping = parse(source)
            except MappingError:
                continue  # whoever checks the mapping itself tells why
            found.append(Choice(known, handler, mapping, re.compile(_names(mapping))))
    return found


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
