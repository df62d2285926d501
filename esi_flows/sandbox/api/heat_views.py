"""Stacks, resources and events in the form in which Heat shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from esi_flows.sandbox.stacks.evaluation import Evaluation
from esi_flows.sandbox.stacks.model import Event, Resource, Stack
from esi_flows.sandbox.stacks.plan import Change


def isotime(epoch: float) -> str | None:
    """Heat's way to write a time; None where it has not come."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if epoch else None


class Views:
    """The forms; ``url`` gives the cloud's base URL for the links."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url

    def stack_url(self, stack: Stack) -> str:
        """The canonical URL of a stack."""
        base = f"{self._url()}/orchestration/v1/{stack.project_id}"
        return f"{base}/stacks/{stack.name}/{stack.id}"

    def made(self, stack: Stack) -> dict[str, Any]:
        """The answer to a creation."""
        return {"id": stack.id, "links": self._self(stack)}

    def summary(self, stack: Stack) -> dict[str, Any]:
        """A stack in a list."""
        return {
            "id": stack.id,
            "links": self._self(stack),
            "stack_name": stack.name,
            "description": "",
            "stack_status": stack.state,
            "stack_status_reason": stack.reason,
            "creation_time": isotime(stack.created_at),
            "updated_time": isotime(stack.updated_at),
            "deletion_time": isotime(stack.deleted_at),
            "stack_owner": stack.owner,
            "parent": None,
            "stack_user_project_id": stack.project_id,
            "tags": list(stack.tags) or None,
            "project": stack.project_id,
        }

    def detail(
        self, stack: Stack, evaluation: Evaluation, *, resolve_outputs: bool
    ) -> dict[str, Any]:
        """A stack in full."""
        shown = self.summary(stack)
        del shown["project"]
        description = str(stack.source.template.get("description") or "No description")
        shown |= {
            "description": description,
            "template_description": description,
            "tags": list(stack.tags),
            "parameters": evaluation.shown_parameters(),
            "notification_topics": [],
            "capabilities": [],
            "disable_rollback": stack.disable_rollback,
            "timeout_mins": stack.timeout_mins,
        }
        if resolve_outputs and not stack.deleted_at:
            shown["outputs"] = list(evaluation.outputs())
        return shown

    def preview(self, stack: Stack, evaluation: Evaluation) -> dict[str, Any]:
        """A stack that was not created."""
        shown = self.detail(stack, evaluation, resolve_outputs=True)
        shown["resources"] = [
            {**self.resource(stack, resource), "properties": dict(resource.properties)}
            for resource in stack.resources.values()
        ]
        return shown

    def resource(
        self, stack: Stack, resource: Resource, attributes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A resource; in full with its attributes."""
        required_by = [r.name for r in stack.resources.values() if resource.name in r.needs]
        href = f"{self.stack_url(stack)}/resources/{resource.name}"
        shown: dict[str, Any] = {
            "resource_name": resource.name,
            "logical_resource_id": resource.name,
            "physical_resource_id": resource.physical_id,
            "resource_type": resource.type,
            "resource_status": resource.state,
            "resource_status_reason": resource.reason,
            "creation_time": isotime(resource.created_at or stack.created_at),
            "updated_time": isotime(resource.updated_at or stack.created_at),
            "required_by": required_by,
            "links": [{"href": href, "rel": "self"}, *self._links(stack, "stack")],
        }
        if attributes is not None:
            shown["attributes"] = dict(attributes)
            shown["description"] = resource.description
        return shown

    def event(self, stack: Stack, event: Event) -> dict[str, Any]:
        """An event."""
        resource_url = f"{self.stack_url(stack)}/resources/{event.resource}"
        return {
            "id": event.id,
            "event_time": isotime(event.time),
            "resource_name": event.resource,
            "logical_resource_id": event.resource,
            "physical_resource_id": event.physical_id,
            "resource_status": event.state,
            "resource_status_reason": event.reason,
            "links": [
                {"href": f"{resource_url}/events/{event.id}", "rel": "self"},
                {"href": resource_url, "rel": "resource"},
                *self._links(stack, "stack"),
            ],
        }

    def changes(self, stack: Stack, changes: Sequence[Change]) -> dict[str, list[Any]]:
        """The answer to an update preview."""
        sorted_out: dict[str, list[Any]] = {
            kind: [] for kind in ("unchanged", "updated", "replaced", "added", "deleted")
        }
        touched = {change.name for change in changes}
        for name, resource in stack.resources.items():
            if name not in touched:
                sorted_out["unchanged"].append(self.resource(stack, resource))
        for change in changes:
            kind = {"CREATE": "added", "DELETE": "deleted"}.get(change.action, "updated")
            if kind == "added" and change.name in stack.resources:
                kind = "replaced"
            sorted_out[kind].append(self.resource(stack, change.shown))
        return sorted_out

    def _self(self, stack: Stack) -> list[dict[str, str]]:
        return self._links(stack, "self")

    def _links(self, stack: Stack, relation: str) -> list[dict[str, str]]:
        return [{"href": self.stack_url(stack), "rel": relation}]
