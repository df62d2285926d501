"""``heat_worker``: creates, updates and deletes stacks, and takes it back."""

from __future__ import annotations

import time
from typing import Any

from esi_flows.catalog.types import Profile
from esi_flows.compiler.templates import DEFAULT_TIMEOUT_MINUTES, render_heat
from esi_flows.handlers.base import CallObserver, Outcome, Run, Steps, Write
from esi_flows.handlers.heat.client import Clouds, Stack, StackRequest
from esi_flows.handlers.heat.poller import StackPoller
from esi_flows.handlers.heat.stacks import StackWork
from esi_flows.handlers.inputs import template_of, values_of
from esi_flows.model import codec, keys
from esi_flows.model.errors import HandlerError
from esi_flows.model.jobs import Action, Job, ResourceRef
from esi_flows.model.results import HeatStack

_GONE = "DELETE_COMPLETE"
"""Status of the recorded stack of a resource whose stack was deleted."""


class HeatHandler:
    """One stack per resource, in the resource's own project."""

    def __init__(self, clouds: Clouds, poller: StackPoller, *, grace_seconds: float) -> None:
        """``grace_seconds`` is added to a stack's own timeout before we give up on it."""
        self._clouds = clouds
        self._poller = poller
        self._grace = grace_seconds

    def execute(self, job: Job, run: Run) -> Steps:
        """Create, update or delete the stack, and bring its outputs. Raises HandlerError."""
        if job.action in (Action.LOGICAL_DELETE, Action.DELETE):
            yield from self._work(job, DEFAULT_TIMEOUT_MINUTES).ensure_absent()
            return _deleted(job, run)
        before = _before(job, run)
        request = _render(job, run)
        return (yield from self._bring(job, run, request, undo=before))

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        """Go back to the recorded previous shape, or remove what there was not.

        A stack that was there before anybody recorded its shape stays as it is: whoever made it
        still needs it. A deletion is not taken back: it is a group's last job, and what is gone
        cannot be had again with the same content. Raises HandlerError.
        """
        if job.action in (Action.LOGICAL_DELETE, Action.DELETE):
            return Outcome()
        # the records are replaced together with the outcome: until then they are the previous ones
        before = outcome.undo if outcome is not None else _before(job, run)
        previous = before["previous"]
        if previous is None and before["existed"]:
            name = stack_name(job.resource)
            raise HandlerError(
                f"the shape that stack {name} had before is not recorded; it stays as it is",
                hint="look at the stack, then send a new version",
            )
        if previous is None:
            yield from self._work(job, DEFAULT_TIMEOUT_MINUTES).ensure_absent()
            return _deleted(job, run)
        return (yield from self._bring(job, run, StackRequest.from_json(previous), undo=None))

    def tell_calls(self, observer: CallObserver) -> None:
        """Tell ``observer`` of every call of Heat, those of the poller too."""
        self._clouds.on_call = observer

    def close(self) -> None:
        """Stop watching stacks."""
        self._poller.stop()

    def _bring(self, job: Job, run: Run, request: StackRequest, *, undo: Any) -> Steps:
        work = self._work(job, request.timeout_minutes)
        stack = yield from work.ensure(request, creating=job.action is Action.CREATE)
        stack, outputs = yield from work.outputs(stack)
        return _brought(job, run, request, stack, outputs, undo)

    def _work(self, job: Job, timeout_minutes: int) -> StackWork:
        project_id = _project(job)
        return StackWork(
            self._clouds.project(project_id),
            self._poller,
            project_id=project_id,
            name=stack_name(job.resource),
            deadline=time.monotonic() + timeout_minutes * 60 + self._grace,
        )


def stack_name(resource: ResourceRef) -> str:
    """The name of a resource's stack, as recorded: by type, whatever template it comes from."""
    return f"{resource.type}_{resource.id}"


def _before(job: Job, run: Run) -> dict[str, Any]:
    """What a revert goes back to, as long as the job has no outcome."""
    stack = run.recorded.heat_stack(job.resource)
    return {
        "previous": run.recorded.stack_record(job.resource),
        "existed": stack is not None and stack.stack_status != _GONE,
    }


def _project(job: Job) -> str:
    return str(job.resource_input.get("tenant_id") or "")


def _render(job: Job, run: Run) -> StackRequest:
    request = render_heat(template_of(job, run), values_of(job, run))
    return StackRequest(request.template, request.parameters, request.timeout_minutes)


def _brought(
    job: Job,
    run: Run,
    request: StackRequest,
    stack: Stack,
    outputs: list[dict[str, Any]],
    undo: Any,
) -> Outcome:
    path = run.catalog.path(job.resource)
    recorded = HeatStack(
        id=str(job.resource),
        name=stack.name,
        tenant_id=_project(job),
        stack_status=stack.status,
        status_reason=stack.reason,
        output=tuple(outputs),
    )
    return Outcome(
        job_state=_members(run, outputs, stack.status),
        writes=(
            Write(keys.heat_stack(path), recorded.encode()),
            Write(keys.stack_record(path), codec.dumps(request.to_json())),
        ),
        undo=undo,
    )


def _deleted(job: Job, run: Run) -> Outcome:
    path = run.catalog.path(job.resource)
    recorded = HeatStack(id=str(job.resource), name="", tenant_id=_project(job), stack_status=_GONE)
    return Outcome(
        job_state=_members(run, [], _GONE),
        writes=(
            Write(keys.heat_stack(path), recorded.encode()),
            Write(keys.stack_record(path), None),
        ),
    )


def _members(run: Run, outputs: list[dict[str, Any]], status: str) -> dict[str, Any]:
    members: dict[str, Any] = {"heat_outputs": outputs}
    if run.catalog.profile is Profile.B:
        members["orchestration_state"] = status
    return members
