"""Puts what the compiler made of an intent into the words of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from esi_flows.catalog.types import HEAT_WORKER, MONITORING_WORKER, Catalog
from esi_flows.compiler.groups import JobGroup
from esi_flows.model.jobs import Action, Job, OnFailure, ResourceRef, group_of
from esi_flows.planning.differences import Stacks, parameter_changes
from esi_flows.planning.history import History
from esi_flows.planning.outlook import Compiled, Outlook
from esi_flows.planning.redact import Redactor, secret_names
from esi_flows.planning.types import Change, Kind, PlannedJob, Reason, Rule, Undo, Wait

_KIND = {
    Action.CREATE: Kind.CREATE,
    Action.MODIFY: Kind.MODIFY,
    Action.DELETE: Kind.DELETE,
    Action.LOGICAL_DELETE: Kind.DELETE,
}
NO_JOBS = "no handler has a part in it"
CANNOT = "cannot be undone"
NOTHING = "nothing to undo"
"""Targets change together with the job's outcome: where that failed, none have changed."""


class Explainer:
    """Explains changes in the order in which they were compiled."""

    def __init__(
        self, outlook: Outlook, stacks: Stacks, history: History, catalog: Catalog
    ) -> None:
        self._outlook = outlook
        self._stacks = stacks
        self._history = history
        self._catalog = catalog
        self._names = secret_names(catalog)

    def change(
        self, compiled: Compiled, *, writes: bool, where: str = "", note: str = ""
    ) -> Change:
        """The change, all but the groups that its failure cancels."""
        before, group = compiled.before, compiled.group
        base = Change(
            resource=compiled.resource,
            kind=_kind(compiled),
            version=compiled.intent.version,
            previous=before.version if before is not None else 0,
            writes=writes,
            where=where,
        )
        redactor = self._redactor(compiled)
        if compiled.error is not None:
            message, hint = redactor.text(compiled.error.message), compiled.error.hint
            return replace(base, kind=Kind.REFUSED, note=message, hint=hint)
        if group is None:
            return replace(base, note=note or NO_JOBS)
        return replace(
            base,
            kind=_KIND[group.action],
            note=note,
            jobs=tuple(redactor.job(job) for job in self._jobs(group, compiled)),
            waits=tuple(_waits(group, self._outlook)),
            seconds=self._history.seconds(group.resource.type, group.action),
        )

    def _redactor(self, compiled: Compiled) -> Redactor:
        """Knows the secrets of everything that the change was read from."""
        group = compiled.group
        read = {r for job in group.jobs for r in job.references()} if group is not None else set()
        bodies = [compiled.intent.body]
        bodies += [compiled.before.body] if compiled.before is not None else []
        bodies += [i.body for r in sorted(read) if (i := self._outlook.intent(r)) is not None]
        return Redactor(self._names, bodies)

    def _jobs(self, group: JobGroup, compiled: Compiled) -> list[PlannedJob]:
        stack = self._stacks.undoing(group.resource)
        return [
            PlannedJob(
                action=job.action,
                handler=job.handler,
                on_failure=job.on_failure,
                parameters=()
                if compiled.posted
                else parameter_changes(
                    job, compiled.before, outlook=self._outlook, catalog=self._catalog
                ),
                template=self._stacks.send(job),
                reverts=_reverts(group.jobs[: place + 1], stack=stack),
            )
            for place, job in enumerate(group.jobs)
        ]


def _kind(compiled: Compiled) -> Kind:
    if compiled.intent.marked_for_deletion:
        return Kind.DELETE
    fresh = compiled.before is None or compiled.before.deleted
    return Kind.CREATE if fresh else Kind.MODIFY


def _reverts(until: Sequence[Job], *, stack: str) -> tuple[Undo, ...]:
    """What is undone, newest first, when the last of these jobs fails: itself, and all before."""
    failed = until[-1]
    if failed.on_failure is OnFailure.IGNORE:
        return ()
    return tuple(
        Undo(_name(job), _undoing(job, failed=job is failed, stack=stack))
        for job in reversed(until)
    )


def _undoing(job: Job, *, failed: bool, stack: str) -> str:
    """What reverting a job means, in words; nothing is known of handlers that are not ours."""
    ends = job.action in (Action.DELETE, Action.LOGICAL_DELETE)
    if job.handler == HEAT_WORKER:
        if ends:
            return CANNOT
        return stack
    if job.handler == MONITORING_WORKER:
        if failed:
            return NOTHING
        return "add the targets again" if ends else "remove the targets"
    return "revert"


def _name(job: Job) -> str:
    return f"{job.action}:{job.handler}"


def _waits(group: JobGroup, outlook: Outlook) -> list[Wait]:
    """The groups that a group waits for, each with every rule that asks for it."""
    by_group: dict[str, list[Job]] = {}
    for job_id in group.waits_for:
        job = outlook.job(job_id)
        if job is not None:
            by_group.setdefault(group_of(job_id), []).append(job)
    reads = _readers(group.jobs)
    return [
        Wait(name, tuple(_name(job) for job in jobs), tuple(_reasons(group, jobs, reads)))
        for name, jobs in by_group.items()
    ]


def _reasons(
    group: JobGroup, jobs: Sequence[Job], reads: dict[ResourceRef, dict[str, None]]
) -> list[Reason]:
    owner = jobs[0].resource
    if owner == group.resource:
        return [Reason(Rule.SAME)]
    reasons = []
    if owner in reads:
        reasons.append(Reason(Rule.READS, tuple(reads[owner])))
    back = _readers(jobs).get(group.resource)
    if back is not None:
        reasons.append(Reason(Rule.READ_BY, tuple(back)))
    return reasons


def _readers(jobs: Sequence[Job]) -> dict[ResourceRef, dict[str, None]]:
    """Which parameters read each resource."""
    readers: dict[ResourceRef, dict[str, None]] = {}
    for job in jobs:
        for parameter in job.params:
            for resource in parameter.resources:
                readers.setdefault(resource, {})[parameter.param] = None
    return readers
