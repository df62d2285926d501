"""Resource types, templates and the catalog that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import InvalidInput
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.keys import ResourcePath

HEAT_WORKER = "heat_worker"
MONITORING_WORKER = "monitoring_worker"

HANDLER_ORDER = (HEAT_WORKER, MONITORING_WORKER)
"""The order in which the handlers of a created resource run."""


class Profile(StrEnum):
    """Which generation of the original system the templates are written for."""

    A = "A"
    """Monitoring has jobs and templates of its own."""
    B = "B"
    """Monitoring is a resource inside the Heat template; state tells ``orchestration_state``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One kind of resource.

    ``relations`` maps a field of the body to the type its value points to. ``template_mappings``
    maps a handler to the mapping (text or object form) that names the template of a change.
    ``schema`` is a JSON Schema of the body; ``secrets`` are field names never shown anywhere.
    """

    type: str
    prefix: str
    """URL prefix with leading slash, e.g. ``/v2.0``."""
    plural: str
    relations: Mapping[str, str] = field(default_factory=dict)
    template_mappings: Mapping[str, Any] = field(default_factory=dict)
    schema: JsonObject = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    description: str = ""

    @property
    def collection(self) -> str:
        """URL path of the collection without leading slash, e.g. ``v2.0/ports``."""
        return f"{self.prefix.strip('/')}/{self.plural}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template: which parameters it takes, and the Jinja2 text that becomes a HOT or YAML."""

    id: str
    handler: str
    parameter_mappings: Mapping[str, Any]
    template_file: str
    """The text itself (the name is gohan's)."""
    watch: tuple[Any, ...] = ()


class Catalog:
    """All resource types and templates. Immutable."""

    def __init__(self, types: Iterable[ResourceType], templates: Iterable[Template]) -> None:
        self._types = {t.type: t for t in types}
        self._by_collection = {t.collection: t for t in self._types.values()}
        self._templates = {t.id: t for t in templates}

    @property
    def types(self) -> Mapping[str, ResourceType]:
        """Resource types by name."""
        return self._types

    @property
    def templates(self) -> Mapping[str, Template]:
        """Templates by id."""
        return self._templates

    @property
    def profile(self) -> Profile:
        """A where any template is for the monitoring worker, else B."""
        monitored = any(t.handler == MONITORING_WORKER for t in self._templates.values())
        return Profile.A if monitored else Profile.B

    def overlaid(self, templates: Iterable[Template]) -> Catalog:
        """A catalog with these templates as well, each in place of one of the same id."""
        return Catalog(self._types.values(), [*self._templates.values(), *templates])

    def path(self, resource: ResourceRef) -> ResourcePath:
        """Where a resource lives below each root. Raises InvalidInput for an unknown type."""
        known = self._types.get(resource.type)
        if known is None:
            raise InvalidInput(
                f"unknown resource type {resource.type!r}",
                hint=f"known types: {', '.join(sorted(self._types))}",
            )
        return ResourcePath(known.collection, resource.id)

    def resource(self, path: ResourcePath) -> ResourceRef | None:
        """The resource at a path, or None where no type has that collection."""
        known = self._by_collection.get(path.collection)
        return ResourceRef(known.type, path.id) if known is not None else None
