"""Templates: sections, resources, outputs and the order of the resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from esi_flows.sandbox.errors import CloudError, ValidationFailed
from esi_flows.sandbox.hot import functions, parameters
from esi_flows.sandbox.hot.calls import Dialect
from esi_flows.sandbox.hot.parameters import Parameter
from esi_flows.sandbox.hot.text import parse_mapping

_MAX_RESOURCES = 1000
"""Heat's limit for one stack."""

_VERSIONS = {
    "2013-05-23": "",
    "2014-10-16": "",
    "2015-04-30": "",
    "2015-10-15": "",
    "2016-04-08": "",
    "2016-10-14": "newton",
    "2017-02-24": "ocata",
    "2017-09-01": "pike",
    "2018-03-02": "queens",
    "2018-08-31": "rocky",
    "2021-04-16": "wallaby",
}
_SECTIONS = frozenset(
    {
        "heat_template_version",
        "description",
        "parameter_groups",
        "parameters",
        "resources",
        "outputs",
    }
)
_RESOURCE_KEYS = frozenset(
    {"type", "properties", "metadata", "depends_on", "deletion_policy", "update_policy"}
    | {"description"}
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A resource as the template defines it."""

    name: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    metadata: Any = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Names of the resources that must be there first."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """An output as the template defines it."""

    key: str
    value: Any
    description: str = "No description given"


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template. ``resources`` are in an order in which they can be created."""

    source: Mapping[str, Any]
    version: str
    description: str
    parameters: Mapping[str, Parameter]
    resources: Mapping[str, Definition]
    outputs: Mapping[str, Output]

    @property
    def dialect(self) -> Dialect:
        """The functions its version may use."""
        return functions.dialect_of(self.version)


def parse_template(given: Any) -> Template:
    """Parse the text or object of a template. Raises CloudError as Heat refuses it."""
    source = parse_mapping(given, what="Template")
    version = _version(source)
    for section in source:
        if section not in _SECTIONS:
            raise CloudError(
                f"The template section is invalid: {section}", kind="InvalidTemplateSection"
            )
    declared = parameters.declare(source.get("parameters"))
    dialect = functions.dialect_of(version)
    resources = {d.name: d for d in _resources(source.get("resources"), dialect)}
    if len(resources) > _MAX_RESOURCES:
        raise CloudError(
            "Request limit exceeded: Maximum resources per stack exceeded.",
            kind="RequestLimitExceeded",
        )
    duplicates = set(declared) & set(resources)
    if duplicates:
        raise ValidationFailed(f"Duplicate names {duplicates}")
    outputs = {o.key: o for o in _outputs(source.get("outputs"))}
    return Template(
        source=source,
        version=version,
        description=str(source.get("description") or "No description"),
        parameters=declared,
        resources=_in_order(resources),
        outputs=outputs,
    )


def versions() -> list[dict[str, Any]]:
    """The template versions understood, as the service lists them."""
    listed = []
    for version, alias in _VERSIONS.items():
        aliases = [f"heat_template_version.{alias}"] if alias else []
        listed.append(
            {"version": f"heat_template_version.{version}", "type": "hot", "aliases": aliases}
        )
    return listed


def _version(source: Mapping[str, Any]) -> str:
    if "heat_template_version" not in source:
        if {"AWSTemplateFormatVersion", "HeatTemplateFormatVersion"} & set(source):
            raise CloudError(
                "The template version is invalid: the sandbox reads heat_template_version only",
                kind="InvalidTemplateVersion",
            )
        raise CloudError("Template not in valid format: Template format version not found.")
    version = str(source["heat_template_version"])
    by_alias = {alias: date for date, alias in _VERSIONS.items() if alias}
    version = by_alias.get(version, version)
    if version not in _VERSIONS:
        choices = ", ".join(sorted([*_VERSIONS, *by_alias]))
        raise CloudError(
            f'The template version is invalid: "heat_template_version: {version}". '
            f'"heat_template_version" should be one of: {choices}',
            kind="InvalidTemplateVersion",
        )
    return version


def _items(section: Any, name: str) -> Iterator[tuple[str, Any]]:
    if section is None:
        return
    if not isinstance(section, Mapping):
        raise ValidationFailed(f'"{name}" must contain a map of {name[:-1]} maps.')
    for item, body in section.items():
        yield str(item), body


def _bodies(section: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, body in _items(section, "resources"):
        if not body:
            raise ValidationFailed("Each resource must contain a type key.")
        if not isinstance(body, Mapping):
            raise ValidationFailed(
                f'"resources" must contain a map of resource maps. Found a [{type(body)}] instead'
            )
        for key in body:
            if key not in _RESOURCE_KEYS:
                raise ValidationFailed(
                    f'"{key}" is not a valid keyword inside a resource definition'
                )
        if "type" not in body:
            raise ValidationFailed("Each resource must contain a type key.")
        yield name, body


def _resources(section: Any, dialect: Dialect) -> Iterator[Definition]:
    names = set(section) if isinstance(section, Mapping) else set()
    for name, body in _bodies(section):
        if not isinstance(body["type"], str) or not body["type"]:
            raise ValidationFailed(f"Resource {name} type type must be string")
        properties = body.get("properties") or {}
        if not isinstance(properties, Mapping):
            raise ValidationFailed(f"Resource {name} properties type must be object")
        needs = dict.fromkeys(_depends_on(name, body.get("depends_on"), names))
        for needed, place in functions.references(properties, dialect, (name, "Properties")):
            if needed not in names:
                raise functions.unknown_reference(needed, place)
            needs[needed] = None
        yield Definition(
            name=name,
            type=body["type"],
            properties=properties,
            metadata=body.get("metadata") or {},
            needs=tuple(needs),
            description=str(body.get("description") or ""),
        )


def _depends_on(name: str, given: Any, names: set[str]) -> list[str]:
    listed = [given] if isinstance(given, str) else given or []
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise ValidationFailed(f"Resource {name} depends_on type must be list or string")
    for item in listed:
        if item not in names:
            raise functions.unknown_reference(item, (name,))
    return listed


def _outputs(section: Any) -> Iterator[Output]:
    for key, body in _items(section, "outputs"):
        if not isinstance(body, Mapping) or "value" not in body:
            raise ValidationFailed(
                "Each output definition must contain a value key.",
                where=("outputs", key),
                error="Output validation error",
            )
        yield Output(key, body["value"], str(body.get("description") or "No description given"))


def _in_order(resources: Mapping[str, Definition]) -> dict[str, Definition]:
    try:
        order = TopologicalSorter({d.name: d.needs for d in resources.values()}).static_order()
        return {name: resources[name] for name in order}
    except CycleError as error:
        cycle = ", ".join(error.args[1][:-1])
        raise CloudError(
            f"Circular Dependency Found: {{{cycle}}}", kind="CircularDependencyException"
        ) from error
