"""Parameters of a job: from mappings when it is compiled, to plain values when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.compiled import CompiledTemplate
from esi_flows.compiler.configuration import Configuration, Documents
from esi_flows.compiler.evaluate import LIST, OUTPUT_KEY, VALUE, Value, evaluate, located
from esi_flows.compiler.parser import shown
from esi_flows.compiler.printer import to_source
from esi_flows.model.errors import MappingError, TemplateError
from esi_flows.model.jobs import Parameter, ResourceRef

Resources = tuple[ResourceRef, ...]


def parameters(
    template: CompiledTemplate,
    configuration: Configuration,
    *,
    documents: Documents,
    catalog: Catalog,
    lenient: bool = False,
) -> tuple[Parameter, ...]:
    """The parameters of a template on a configuration, in alphabetical order.

    ``lenient`` is for what is being removed: a parameter that cannot be had any more becomes "",
    because a resource must be removable whatever has become of those it referred to. Otherwise
    raises MissingDocument or MappingError naming resource, parameter and mapping.
    """
    found = []
    for name, mapping in template.parameters:
        try:
            value = evaluate(mapping, configuration, documents=documents, catalog=catalog)
        except MappingError as error:
            if not lenient:
                where = f"{configuration.resource}, parameter {name} of {template.template.id}"
                raise located(error, f"{where}, mapping {shown(to_source(mapping))}") from error
            value = Value(VALUE, "")
        found.append(value.parameter(name))
    return tuple(found)


def with_resources_of(
    params: tuple[Parameter, ...], *others: Mapping[str, Resources]
) -> tuple[Parameter, ...]:
    """The parameters, with the resources that other evaluations found appended to their own."""
    return tuple(
        replace(
            parameter,
            resources=parameter.resources
            + tuple(r for other in others for r in other.get(parameter.param, ())),
        )
        for parameter in params
    )


def resources_of(params: tuple[Parameter, ...]) -> dict[str, Resources]:
    """The resources of each parameter, by its name."""
    return {parameter.param: parameter.resources for parameter in params}


Outputs = Callable[[ResourceRef], Mapping[str, Any] | None]
"""The recorded outputs of a resource by key, or None where no stack is recorded."""


def resolve(params: Sequence[Parameter], outputs: Outputs) -> dict[str, Any]:
    """The plain value of each parameter, once what the job waits for has ended.

    Raises TemplateError where an output is referred to that is not recorded.
    """
    return {parameter.param: _plain(parameter, outputs) for parameter in params}


def _plain(parameter: Parameter, outputs: Outputs) -> Any:
    if parameter.type == LIST:
        return [_plain(element, outputs) for element in parameter.value]
    if parameter.type != OUTPUT_KEY:
        return parameter.value
    wanted = parameter.value
    resource = ResourceRef(wanted["resource_type"], wanted["resource_id"])
    found = outputs(resource)
    if found is None:
        raise TemplateError(
            f"no stack is recorded for {resource}, needed by parameter {parameter.param}",
            hint=f"create {resource} first, or apply it again",
        )
    if wanted["output_key"] not in found:
        raise TemplateError(
            f"stack of {resource} has no output {wanted['output_key']!r}, "
            f"needed by parameter {parameter.param}",
            hint=f"outputs: {', '.join(sorted(found)) or 'none'}",
        )
    return found[wanted["output_key"]]
