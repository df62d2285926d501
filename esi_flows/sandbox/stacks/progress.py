"""How far an operation is: the stack at a time, and what has happened up to then."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

from esi_flows.sandbox.stacks.model import (
    Action,
    Event,
    Operation,
    Resource,
    Stack,
    Status,
    Step,
)

KEPT_EVENTS = 1000
"""Events kept of one stack; the oldest go first."""

_COMPLETED = {
    Action.UPDATE: "Stack successfully updated",  # as recorded; newer Heats word it like the others
}


def started(action: Action) -> str:
    """The status reason while it is being done."""
    return f"Stack {action} started"


def completed(action: Action) -> str:
    """The status reason when it is done."""
    return _COMPLETED.get(action, f"Stack {action} completed successfully")


def head(stack: Stack, now: float) -> Stack:
    """The stack with the state it has at ``now``; its resources are not looked at."""
    operation = stack.operation
    if operation is None or now < operation.visible_from:
        return stack
    if now < operation.ends_at:
        return stack.but(
            action=operation.action,
            status=Status.IN_PROGRESS,
            reason=started(operation.action),
            updated_at=_updated_at(stack, operation),
        )
    return finish(stack, operation)


def at(stack: Stack, now: float) -> Stack:
    """The stack as it is at ``now``, resources and events included."""
    operation = stack.operation
    if operation is None or now < operation.visible_from:
        return stack
    until = min(now, operation.ends_at)
    resources = dict(stack.resources)
    for step in operation.steps:
        _apply(resources, step, until)
    events = (*stack.events, *_events(stack, operation, until))[-KEPT_EVENTS:]
    return head(stack, now).but(resources=resources, events=events)


def cut(stack: Stack, now: float) -> Stack:
    """The stack with its operation given up at ``now``, because another one takes its place."""
    if stack.operation is None:
        return stack
    stack = stack.but(operation=replace(stack.operation, visible_from=0.0))
    return at(stack, now).but(operation=None)


def finish(stack: Stack, operation: Operation) -> Stack:
    """The stack's own state after the operation."""
    failed = bool(operation.error)
    gone = operation.action is Action.DELETE and not failed
    return stack.but(
        action=operation.action,
        status=Status.FAILED if failed else Status.COMPLETE,
        reason=operation.error or completed(operation.action),
        deleted_at=operation.ends_at if gone else stack.deleted_at,
        updated_at=_updated_at(stack, operation),
    )


def _updated_at(stack: Stack, operation: Operation) -> float:
    # Heat writes the status and the time of an action as one: no old status comes with a new time
    timed = operation.action in (Action.UPDATE, Action.DELETE)
    return operation.started_at if timed else stack.updated_at


def _apply(resources: dict[str, Resource], step: Step, until: float) -> None:
    shown = step.after or step.before
    if shown is None:
        return
    if step.begins_at > until:
        if step.action is Action.CREATE:
            resources.setdefault(step.name, replace(shown, physical_id=""))
        return
    if step.ends_at > until:
        resources[step.name] = _in_state(shown, step, Status.IN_PROGRESS, "state changed", until)
    elif step.error:
        resources[step.name] = _in_state(shown, step, Status.FAILED, step.error, step.ends_at)
    elif step.after is None:
        resources.pop(step.name, None)
    else:
        resources[step.name] = _in_state(
            shown, step, Status.COMPLETE, "state changed", step.ends_at
        )


def _in_state(shown: Resource, step: Step, status: Status, reason: str, time: float) -> Resource:
    return replace(
        shown,
        action=step.action,
        status=status,
        reason=reason,
        created_at=shown.created_at or step.begins_at,
        updated_at=time,
    )


def _events(stack: Stack, operation: Operation, until: float) -> Iterator[Event]:
    happened = list(_happenings(stack, operation))
    # by time; the sort is stable, so what happens at once keeps its order
    for number, event in enumerate(sorted(happened, key=lambda each: each.time)):
        if event.time <= until:
            seed = f"{stack.id}:{operation.started_at}:{number}"
            yield replace(event, id=str(uuid.uuid5(uuid.NAMESPACE_OID, seed)))


def _happenings(stack: Stack, operation: Operation) -> Iterator[Event]:
    begun = (operation.started_at, operation.action, Status.IN_PROGRESS, started(operation.action))
    yield _stack_event(stack, *begun)
    for step in operation.steps:
        shown = step.after or step.before
        if shown is None:
            continue
        yield _resource_event(step, shown, step.begins_at, Status.IN_PROGRESS, "state changed")
        status = Status.FAILED if step.error else Status.COMPLETE
        yield _resource_event(step, shown, step.ends_at, status, step.error or "state changed")
    ended = finish(stack, operation)
    yield _stack_event(stack, operation.ends_at, ended.action, ended.status, ended.reason)


def _stack_event(stack: Stack, time: float, action: Action, status: Status, reason: str) -> Event:
    return Event(
        id="",
        time=time,
        resource=stack.name,
        physical_id=stack.id,
        state=f"{action}_{status}",
        reason=reason,
        type="OS::Heat::Stack",
    )


def _resource_event(step: Step, shown: Resource, time: float, status: Status, reason: str) -> Event:
    return Event(
        id="",
        time=time,
        resource=step.name,
        physical_id=shown.physical_id,
        state=f"{step.action}_{status}",
        reason=reason,
        type=shown.type,
    )
