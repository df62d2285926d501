"""The values of a stack's template: parameters, references, attributes and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.hot import functions, parameters
from esi_flows.sandbox.hot.calls import Misused, Path
from esi_flows.sandbox.hot.template import Output, Template
from esi_flows.sandbox.resources.registry import resource_type
from esi_flows.sandbox.resources.types import Made, ResourceType, Unresolvable
from esi_flows.sandbox.stacks.model import Resource, Source


class Evaluation:
    """The functions' view of one stack (see :class:`Scope`).

    ``resources`` may grow while the stack is being planned. Raises CloudError from the
    constructor for parameters that do not fit the template (with ``strict``, also for missing
    ones).
    """

    def __init__(
        self,
        template: Template,
        source: Source,
        *,
        stack_id: str,
        stack_name: str,
        project_id: str,
        resources: Mapping[str, Resource] | None = None,
        real_names: bool = False,
        strict: bool = True,
    ) -> None:
        self._template = template
        self._source = source
        self._project_id = project_id
        self.stack_name = stack_name
        self._real_names = real_names
        self.resources = dict(resources or {})
        defaults = {k: v for k, v in source.defaults.items() if k in template.parameters}
        given = {**defaults, **source.parameters}
        self._values = parameters.resolve(template.parameters, given, strict=strict)
        self._pseudo = {
            "OS::stack_id": stack_id,
            "OS::stack_name": stack_name,
            "OS::project_id": project_id,
        }

    def type_of(self, resource: str) -> ResourceType:
        """The type behind a resource, after the environment's replacements."""
        return self._resolved(self._template.resources[resource].type)

    def value(self, snippet: Any, where: Path) -> Any:
        """The value of a snippet. Raises CloudError, Unresolvable, ValueError."""
        return functions.evaluate(snippet, self, self._template.dialect, where)

    def parameter(self, name: str) -> Any:
        """See :class:`Scope`."""
        if name in self._values:
            return self._values[name]
        if name in self._pseudo:
            return self._pseudo[name]
        raise CloudError(f"The Parameter ({name}) was not provided.", kind="UserParameterMissing")

    def reference(self, resource: str) -> Any:
        """See :class:`Scope`; the resource's name until it was made."""
        if resource not in self._template.resources:
            raise functions.unknown_reference(resource, ("unknown",))
        made = self._made(resource)
        return self.type_of(resource).reference(made) if made else resource

    def attribute(self, resource: str, attribute: str, where: Path) -> Any:
        """See :class:`Scope`; None until the resource was made."""
        if resource not in self._template.resources:
            raise functions.unknown_reference(resource, where)
        known = self.type_of(resource)
        if known.open_ended:
            return None
        if attribute not in known.attributes:
            raise Misused(
                f"The Referenced Attribute ({resource} {attribute}) is incorrect.", where=where
            )
        made = self._made(resource)
        return known.attributes[attribute](made) if made else None

    def file(self, name: str) -> str:
        """See :class:`Scope`."""
        if name not in self._source.files:
            raise ValueError(f'No content found in the "files" section for get_file path: {name}')
        return self._source.files[name]

    def outputs(self) -> Iterator[dict[str, Any]]:
        """All outputs with their values; one that has none yet is None."""
        for output in self._template.outputs.values():
            yield self.output(output)

    def output(self, output: Output) -> dict[str, Any]:
        """One output, with ``output_error`` where its value cannot be told."""
        shown: dict[str, Any] = {"output_key": output.key, "description": output.description}
        try:
            shown["output_value"] = self.value(output.value, ("outputs", output.key, "value"))
        except (CloudError, Unresolvable, ValueError) as error:
            shown["output_error"] = str(error)
            shown["output_value"] = None
        return shown

    def attributes(self, resource: str) -> dict[str, Any]:
        """All attributes of a resource; None where one cannot be told."""
        made = self._made(resource)
        shown: dict[str, Any] = {}
        # by its record: one that is being taken away is not in the template any more
        for name, give in self._resolved(self.resources[resource].type).attributes.items():
            try:
                shown[name] = give(made) if made else None
            except Unresolvable:
                shown[name] = None
        return shown

    def shown_parameters(self) -> dict[str, str]:
        """All parameters as texts, the pseudo ones included, hidden ones masked."""
        declared = self._template.parameters
        own = {name: declared[name].show(value) for name, value in self._values.items()}
        return {**self._pseudo, **own}

    def check_outputs(self) -> None:
        """Raises CloudError for an output that can never be given."""
        for output in self._template.outputs.values():
            try:
                self.value(output.value, ("outputs", output.key, "value"))
            except Misused:
                raise
            except (CloudError, Unresolvable, ValueError):
                continue  # told as the output's error when it is asked for, as in Heat

    def _resolved(self, type_name: str) -> ResourceType:
        return resource_type(self._source.registry.get(type_name, type_name), in_template=True)

    def _made(self, name: str) -> Made | None:
        resource = self.resources.get(name)
        if resource is None or not resource.physical_id:
            return None
        return Made(
            name=name,
            physical_id=resource.physical_id,
            project_id=self._project_id,
            properties=resource.properties,
            data=resource.data,
            real_names=self._real_names,
        )
