"""What a job comes with: its template, and the values of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from esi_flows.catalog.types import Template
from esi_flows.compiler import parameters, templates
from esi_flows.handlers.base import Run
from esi_flows.model.errors import HandlerError
from esi_flows.model.jobs import Job, ResourceRef


def template_of(job: Job, run: Run) -> Template:
    """The template that the job was compiled for. Raises HandlerError where it is gone."""
    template = templates.template_of(job, run.catalog)
    if template is None:
        raise HandlerError(
            f"there is no template of {job.handler} for {job.resource}",
            hint="the catalog has changed since the job was compiled; send a new version",
        )
    return template


def values_of(job: Job, run: Run) -> dict[str, Any]:
    """The job's parameters, outputs of other stacks filled in. Raises TemplateError."""

    def outputs(resource: ResourceRef) -> Mapping[str, Any] | None:
        stack = run.recorded.heat_stack(resource)
        return stack.outputs() if stack is not None else None

    return parameters.resolve(job.params, outputs)
