"""The engine: all stacks of the cloud, and what can be done to them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from esi_flows.sandbox.errors import Conflict
from esi_flows.sandbox.hot.template import Template, parse_template
from esi_flows.sandbox.stacks import plan, progress, rules
from esi_flows.sandbox.stacks.evaluation import Evaluation
from esi_flows.sandbox.stacks.model import Action, Operation, Resource, Stack, Status
from esi_flows.sandbox.stacks.plan import Change, Pace, Trouble
from esi_flows.sandbox.stacks.records import Records
from esi_flows.sandbox.stacks.request import Request, new_stack, updated
from esi_flows.sandbox.timings import engine_seconds

DEFAULT_TIMEOUT_MINUTES = 60
KEPT_DELETED_SECONDS = 3600.0
"""For how long a deleted stack can still be asked for by id."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The circumstances under which an operation runs: asked once when it is planned."""

    trouble: Callable[[Stack, Resource, Action], Trouble] = lambda s, r, a: plan.NO_TROUBLE
    stale_seconds: Callable[[Stack], float] = lambda stack: 0.0
    """For how long the old state is still reported after a call."""


class Engine:
    """All stacks. Used by one thread; every change is on disk before a method returns.

    ``speed`` divides the recorded seconds (and stacks' time-outs).
    """

    def __init__(
        self,
        records: Records,
        *,
        speed: float = 1.0,
        real_names: bool = False,
        conditions: Conditions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._speed = speed
        self._real_names = real_names
        self._conditions = conditions or Conditions()
        self._clock = clock
        self._stacks: dict[str, Stack] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._deleted: deque[Stack] = deque()
        for stack in records.load():
            self._remember(stack)

    def now(self) -> float:
        """The engine's time."""
        return self._clock()

    def create(self, *, name: str, project_id: str, owner: str, request: Request) -> Stack:
        """Start to create a stack. Raises Conflict where the name is taken, else CloudError."""
        self._check_free(project_id, name)
        self._forget_old()
        stack = new_stack(name, project_id, owner, request, created_at=self.now())
        evaluation = self.evaluation(stack, template=request.template)
        changes = plan.made_of(rules.required(request.template), evaluation, {})
        return self._begin(stack, Action.CREATE, changes)

    def update(self, stack_id: str, request: Request, *, patch: bool = False) -> Stack:
        """Start to update a stack; an action in progress is replaced. Raises CloudError."""
        stack = self.get(stack_id)
        rules.check_updatable(stack)
        wanted = updated(stack, request, patch=patch)
        template = request.template or parse_template(wanted.source.template)
        base = progress.cut(stack, self.now())
        evaluation = self.evaluation(wanted, template=template)
        changes = plan.made_of(template, evaluation, base.resources)
        wanted = wanted.but(
            resources=base.resources,
            events=base.events,
            operation=None,
            updated_at=base.updated_at,
        )
        return self._begin(wanted, Action.UPDATE, changes)

    def delete(self, stack_id: str) -> Stack:
        """Start to delete a stack; also one that is being deleted. Raises NotFound."""
        stack = self.get(stack_id)
        rules.check_not_deleted(stack)
        base = progress.cut(stack, self.now())
        changes = plan.taken_away(base.resources)
        base = self._kept(base, stack)
        return self._begin(base, Action.DELETE, changes)

    def act(self, stack_id: str, action: Action) -> Stack:
        """Check, suspend or resume a stack. Raises CloudError."""
        stack = self.get(stack_id)
        rules.check_idle(stack)
        return self._begin(stack, action, plan.all_do(stack.resources, action))

    def cancel_update(self, stack_id: str, *, rollback: bool) -> Stack:
        """Give up an update (or, without rollback, a creation too). Raises CloudError."""
        stack = self.get(stack_id)
        current = progress.head(stack, self.now())
        rules.check_can_be_cancelled(current, rollback=rollback)
        base = progress.cut(stack, self.now())
        if rollback:
            return self._roll_back(base)
        settled = base.but(
            action=current.action,
            status=Status.FAILED,
            reason=f"Stack {current.action} cancelled",
        )
        return self._store(settled)

    def get(self, stack_id: str) -> Stack:
        """The stack of that id as recorded, ended operations done. Raises NotFound."""
        stack = self._stacks.get(stack_id)
        if stack is None:
            raise rules.missing(stack_id)
        return self._settle(stack)

    def find(self, project_id: str, name_or_id: str, *, every_project: bool = False) -> Stack:
        """The stack of a name or id. Raises NotFound."""
        by_id = self._stacks.get(name_or_id)
        if by_id is not None and (every_project or by_id.project_id == project_id):
            return self.get(name_or_id)
        stack_id = self._names.get((project_id, name_or_id))
        if stack_id is not None and not (stack := self.get(stack_id)).deleted_at:
            return stack
        raise rules.missing(name_or_id)

    def all(self, project_id: str | None = None) -> Iterator[Stack]:
        """Stacks (of one project), newest first, deleted ones included."""
        for stack_id in reversed(list(self._stacks)):
            stack = self._stacks[stack_id]
            if project_id in (None, stack.project_id):
                yield self._settle(stack)

    def view(self, stack: Stack) -> Stack:
        """The stack with all it shows at this moment."""
        return progress.at(stack, self.now())

    def head(self, stack: Stack) -> Stack:
        """The stack with the state it shows at this moment."""
        return progress.head(stack, self.now())

    def preview(self, *, name: str, project_id: str, owner: str, request: Request) -> Stack:
        """The stack that would be created. Raises CloudError as :meth:`create` does."""
        self._check_free(project_id, name)
        stack = new_stack(name, project_id, owner, request, created_at=self.now())
        evaluation = self.evaluation(stack, template=request.template)
        plan.made_of(rules.required(request.template), evaluation, {})
        return stack.but(resources=evaluation.resources)

    def preview_update(self, stack_id: str, request: Request, *, patch: bool) -> list[Change]:
        """What an update would change. Raises CloudError as :meth:`update` does."""
        stack = self.get(stack_id)
        rules.check_updatable(stack)
        wanted = updated(stack, request, patch=patch)
        template = request.template or parse_template(wanted.source.template)
        have = progress.cut(stack, self.now()).resources
        return plan.made_of(template, self.evaluation(wanted, template=template), have)

    def evaluation(self, stack: Stack, *, template: Template | None = None) -> Evaluation:
        """The functions' view of a stack. Raises CloudError for parameters that do not fit."""
        return Evaluation(
            template or parse_template(stack.source.template),
            stack.source,
            stack_id=stack.id,
            stack_name=stack.name,
            project_id=stack.project_id,
            resources=stack.resources,
            real_names=self._real_names,
        )

    def _begin(self, stack: Stack, action: Action, changes: list[Change]) -> Stack:
        operation = self._schedule(stack, action, changes, self.now())
        return self._store(stack.but(operation=operation))

    def _schedule(
        self, stack: Stack, action: Action, changes: list[Change], started_at: float
    ) -> Operation:
        types = [change.shown.type for change in changes] or [
            resource.type for resource in stack.resources.values()
        ]
        timed_as = Action.DELETE if action is Action.ROLLBACK else action
        minutes = stack.timeout_mins or DEFAULT_TIMEOUT_MINUTES
        stale = action in (Action.UPDATE, Action.DELETE)
        pace = Pace(
            started_at=started_at,
            seconds=engine_seconds(stack.name, types, timed_as) / self._speed,
            timeout=minutes * 60 / self._speed,
            speed=self._speed,
            visible_from=started_at + self._conditions.stale_seconds(stack) if stale else 0.0,
        )
        return plan.schedule(
            action,
            changes,
            lambda resource, does: self._conditions.trouble(stack, resource, does),
            pace,
        )

    def _settle(self, stack: Stack) -> Stack:
        """Put ended operations into the stack, rollbacks they lead to included."""
        now = self.now()
        operation = stack.operation
        while operation is not None and now >= max(operation.ends_at, operation.visible_from):
            stack = progress.at(stack, now).but(operation=None)
            failed = operation.error and operation.action in (Action.CREATE, Action.UPDATE)
            if failed and not stack.disable_rollback:
                stack = self._with_rollback(stack, operation.ends_at)
            operation = stack.operation
            self._store(stack)
        return stack

    def _roll_back(self, stack: Stack) -> Stack:
        return self._store(self._with_rollback(stack, self.now()))

    def _with_rollback(self, stack: Stack, started_at: float) -> Stack:
        if stack.previous is None:
            changes = plan.taken_away(stack.resources)
        else:
            stack = stack.but(source=stack.previous, previous=None)
            template = parse_template(stack.source.template)
            have = stack.resources
            changes = plan.made_of(template, self.evaluation(stack, template=template), have)
        operation = self._schedule(stack, Action.ROLLBACK, changes, started_at)
        return stack.but(operation=operation)

    def _kept(self, base: Stack, stack: Stack) -> Stack:
        # what is reported before the deletion becomes visible is the state up to now
        shown = progress.head(stack, self.now())
        return base.but(action=shown.action, status=shown.status, reason=shown.reason)

    def _check_free(self, project_id: str, name: str) -> None:
        taken = self._names.get((project_id, name))
        if taken is not None and not self.get(taken).deleted_at:
            raise Conflict(f"The Stack ({name}) already exists.")

    def _store(self, stack: Stack) -> Stack:
        self._records.put(stack)
        self._remember(stack)
        return stack

    def _remember(self, stack: Stack) -> None:
        self._stacks[stack.id] = stack
        key = (stack.project_id, stack.name)
        if stack.deleted_at:
            self._deleted.append(stack)
            if self._names.get(key) == stack.id:
                del self._names[key]
        else:
            self._names[key] = stack.id

    def _forget_old(self) -> None:
        limit = self.now() - KEPT_DELETED_SECONDS
        while self._deleted and self._deleted[0].deleted_at < limit:
            old = self._deleted.popleft()
            self._records.remove(old.id)
            self._stacks.pop(old.id, None)
