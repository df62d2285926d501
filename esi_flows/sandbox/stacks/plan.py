"""Plans: the steps from the resources a stack has to those it is to have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from esi_flows.sandbox.errors import CloudError, ValidationFailed
from esi_flows.sandbox.hot.calls import Misused
from esi_flows.sandbox.hot.template import Definition, Template
from esi_flows.sandbox.resources.types import ResourceType, Unresolvable
from esi_flows.sandbox.stacks.evaluation import Evaluation
from esi_flows.sandbox.stacks.model import Action, Operation, Resource, Status, Step


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong with one resource: it fails, hangs, or takes that many seconds more."""

    fail: str = ""
    hang: bool = False
    seconds: float = 0.0
    kind: str = "Exception"


NO_TROUBLE = Trouble()
Troubles = Callable[[Resource, Action], Trouble]
"""Asked once for each resource that an operation touches."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource. ``action`` INIT: nothing."""

    name: str
    action: Action
    before: Resource | None
    after: Resource | None
    error: str = ""

    @property
    def shown(self) -> Resource:
        """The resource as it is to be, or as it was where it goes away."""
        resource = self.after or self.before
        assert resource is not None, "a change is of something"
        return resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When an operation starts and how long it may and will take (seconds)."""

    started_at: float
    seconds: float
    timeout: float
    speed: float
    visible_from: float = 0.0


def made_of(
    template: Template, evaluation: Evaluation, have: Mapping[str, Resource]
) -> list[Change]:
    """The changes that bring what is there to what the template says, in order.

    ``evaluation.resources`` becomes the outcome. Raises CloudError for what Heat would refuse.
    """
    changes = []
    for definition in template.resources.values():
        change = _change(definition, evaluation, have.get(definition.name))
        evaluation.resources[definition.name] = change.shown
        changes.append(change)
    evaluation.check_outputs()
    kept = [c for c in changes if c.action is not Action.INIT]
    superfluous = {name: r for name, r in have.items() if name not in template.resources}
    for name in superfluous:
        evaluation.resources.pop(name, None)
    return [*kept, *taken_away(superfluous)]


def taken_away(have: Mapping[str, Resource]) -> list[Change]:
    """The changes that take resources away, those that need others first."""
    return [Change(r.name, Action.DELETE, r, None) for r in _reverse_order(have)]


def all_do(have: Mapping[str, Resource], action: Action) -> list[Change]:
    """The changes of an action that leaves resources as they are (check, suspend, resume)."""
    return [Change(r.name, action, r, r) for r in have.values()]


def schedule(
    action: Action, changes: Sequence[Change], troubles: Troubles, pace: Pace
) -> Operation:
    """The operation: every change with its time, up to the first that fails or the time-out."""
    steps: list[Step] = []
    error = ""
    share = pace.seconds / max(len(changes), 1)
    clock = pace.started_at
    for change in changes:
        if error:  # never begun
            steps.append(_step(change, NO_TROUBLE, math.inf, 0.0, pace.speed))
            continue
        trouble = troubles(change.shown, change.action)
        step = _step(change, trouble, clock, share, pace.speed)
        steps.append(step)
        clock = step.ends_at
        if step.error:
            error = f"Resource {change.action} failed: {step.error}"
    ends_at = clock if changes else pace.started_at + pace.seconds
    deadline = pace.started_at + pace.timeout
    if deadline < ends_at < math.inf:
        ends_at, error = deadline, "Timed out"
    return Operation(
        action=action,
        started_at=pace.started_at,
        ends_at=ends_at,
        steps=tuple(steps),
        error=error,
        visible_from=pace.visible_from,
    )


def _step(change: Change, trouble: Trouble, begins: float, share: float, speed: float) -> Step:
    waits = _own_wait(change) / speed
    ends = math.inf if trouble.hang else begins + share + waits + trouble.seconds
    error = change.error or _own_error(change)
    if trouble.fail:
        error = f"{trouble.kind}: resources.{change.name}: {trouble.fail}"
    return Step(
        name=change.name,
        action=change.action,
        begins_at=begins,
        ends_at=ends,
        before=change.before,
        after=change.after,
        error=error,
    )


def _change(definition: Definition, evaluation: Evaluation, have: Resource | None) -> Change:
    known = evaluation.type_of(definition.name)
    error = ""
    try:
        given = _given(definition, evaluation)
    except Unresolvable as unresolvable:
        given, error = {}, f"Error: resources.{definition.name}: {unresolvable}"
    properties = {} if error else known.validated(given, resource=definition.name)
    wanted = Resource(
        name=definition.name,
        type=definition.type,
        properties=properties,
        metadata=definition.metadata,
        needs=definition.needs,
        description=definition.description,
    )
    if have is None or _must_be_new(known, have, wanted):
        return Change(
            definition.name, Action.CREATE, None, _new(known, wanted, evaluation.stack_name), error
        )
    same = replace(have, properties=properties, metadata=wanted.metadata, needs=wanted.needs)
    if have.status is Status.COMPLETE and have.properties == properties and not error:
        return Change(definition.name, Action.INIT, have, same)  # nothing to do
    return Change(definition.name, Action.UPDATE, have, same, error)


def _given(definition: Definition, evaluation: Evaluation) -> dict[str, Any]:
    given = {}
    for name, snippet in definition.properties.items():
        where = ("resources", definition.name, "properties", name)
        try:
            given[name] = evaluation.value(snippet, where)
        except Misused:
            raise
        except (CloudError, ValueError) as error:
            raise ValidationFailed(str(error), where=where, error="Property error") from error
    return given


def _must_be_new(known: ResourceType, have: Resource, wanted: Resource) -> bool:
    if not have.physical_id or have.type != wanted.type or have.action is Action.DELETE:
        return True
    # one that failed is not trusted any more, one that was interrupted may be half made
    half_made = have.action is Action.CREATE and have.status is Status.IN_PROGRESS
    if have.status is Status.FAILED or half_made:
        return True
    if wanted.properties.get("update_replace") and have.properties.get(
        "value"
    ) != wanted.properties.get("value"):
        return True
    return known.replaces(have.properties, wanted.properties)


def _new(known: ResourceType, wanted: Resource, stack_name: str) -> Resource:
    return replace(
        wanted,
        physical_id=known.new_id(wanted.properties, stack=stack_name, resource=wanted.name),
        data=known.data(wanted.properties),
    )


def _reverse_order(have: Mapping[str, Resource]) -> Iterator[Resource]:
    # what is needed by others goes last; a record that is out of order cannot loop
    left = dict(have)
    while left:
        needed = {name for resource in left.values() for name in resource.needs}
        free = [name for name in left if name not in needed] or [next(iter(left))]
        for name in free:
            yield left.pop(name)


def _own_wait(change: Change) -> float:
    properties = change.shown.properties
    if change.shown.type != "OS::Heat::TestResource":
        return 0.0
    by_action = properties.get("action_wait_secs") or {}
    seconds = by_action.get(change.action.lower())
    if seconds is None:
        seconds = properties.get("wait_secs") or 0
    return math.inf if seconds < 0 else float(seconds)


def _own_error(change: Change) -> str:
    if change.shown.type != "OS::Heat::TestResource" or change.action is Action.DELETE:
        return ""
    if not change.shown.properties.get("fail"):
        return ""
    return f"ValueError: resources.{change.name}: Test Resource failed {change.name}"
