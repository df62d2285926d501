"""Which template a job uses, and what becomes of it: a request to Heat, or things to monitor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from esi_flows.catalog.types import Catalog, Template
from esi_flows.compiler.compiled import compiled
from esi_flows.compiler.configuration import Configuration, Documents, NoDocuments
from esi_flows.compiler.monitoring import MonitoringRequest, read_targets
from esi_flows.compiler.rendering import render
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import TemplateError
from esi_flows.model.jobs import Job, ResourceRef

TIMEOUT_PARAMETER = "heat_timeout"
DEFAULT_TIMEOUT_MINUTES = 10
"""How long Heat may take where the template does not say, as recorded."""

JINJA_PREFIX = "jinja_"
"""Parameters so named go to the template's text, all others to Heat."""

MAX_HEAT_TEMPLATE = 512 * 1024
"""Characters; Heat's own default limit for a template."""

MAX_TARGETS = 64 * 1024
"""Characters of a rendered list of things to monitor."""


@dataclass(frozen=True, slots=True)
class HeatRequest:
    """What is sent to Heat: the text, its parameters (nulls too), and the time it has."""

    template: str
    parameters: dict[str, Any]
    timeout_minutes: int


def template_for(
    resource_type: str,
    body: JsonObject,
    handler: str,
    catalog: Catalog,
    *,
    documents: Documents | None = None,
) -> Template | None:
    """The template that ``handler`` uses for a resource with this body, or None.

    ``documents`` is only needed where a type's template depends on other resources. Raises
    MappingError.
    """
    configuration = Configuration(ResourceRef(resource_type, str(body.get("id", ""))), body, 0)
    chosen = compiled(catalog).choose(handler, configuration, documents=documents or NoDocuments())
    return None if chosen is None else chosen.template


def template_of(job: Job, catalog: Catalog) -> Template | None:
    """The template that a job was compiled for, told by the names of its parameters.

    A job that ends what an older configuration began carries the newer one, which may choose
    another template or none. None: there is no such template any more. Raises MappingError.
    """
    names = {parameter.param for parameter in job.params}
    chosen = template_for(job.resource_type, job.resource_input, job.handler, catalog)
    if chosen is not None and chosen.parameter_mappings.keys() == names:
        return chosen
    others = [
        template
        for template in catalog.templates.values()
        if template.handler == job.handler and template.parameter_mappings.keys() == names
    ]
    return others[0] if len(others) == 1 else chosen


def split_values(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values for Heat and values for the template's text, told apart by their names."""
    named = {name: value for name, value in values.items() if name != TIMEOUT_PARAMETER}
    jinja = {name: value for name, value in named.items() if name.startswith(JINJA_PREFIX)}
    return {name: value for name, value in named.items() if name not in jinja}, jinja


def render_heat(template: Template, values: Mapping[str, Any]) -> HeatRequest:
    """What a Heat template becomes with the resolved ``values``. Raises TemplateError."""
    parameters, jinja = split_values(values)
    text = render(template.id, template.template_file, jinja, max_size=MAX_HEAT_TEMPLATE)
    return HeatRequest(text, parameters, _minutes(template, values.get(TIMEOUT_PARAMETER)))


def _minutes(template: Template, value: Any) -> int:
    if value is None:
        return DEFAULT_TIMEOUT_MINUTES
    try:
        # recorded both as a number and as a text
        minutes = int(value) if isinstance(value, int | str) else 0
    except ValueError:
        minutes = 0
    if minutes < 1:
        raise TemplateError(
            f"template {template.id}: parameter {TIMEOUT_PARAMETER} is no number of minutes",
            hint="a whole number from 1 on",
        )
    return minutes


def render_monitoring(template: Template, values: Mapping[str, Any]) -> MonitoringRequest:
    """What is to be monitored, after the resolved ``values``. Raises TemplateError."""
    text = render(template.id, template.template_file, values, max_size=MAX_TARGETS)
    return read_targets(template.id, text)
