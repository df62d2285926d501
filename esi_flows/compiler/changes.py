"""Compiling a change: which jobs it takes, with which parameters, waiting for what.

What was never recorded is decided here as follows. A change of a resource whose memo says deleted
is a creation. A deletion stops the monitoring first, on what was monitored (the memo), and ignores
a failure of that. A handler whose template choice differs between the old and the new configuration
does what the difference means: it creates what it newly has a part in, removes what it has none in
any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from esi_flows.catalog.types import HEAT_WORKER, MONITORING_WORKER, Catalog
from esi_flows.compiler.compiled import CompiledTemplate, compiled
from esi_flows.compiler.configuration import Configuration, Documents
from esi_flows.compiler.evaluate import located
from esi_flows.compiler.groups import JobGroup, NotWorkable
from esi_flows.compiler.parameters import (
    Resources,
    parameters,
    resources_of,
    with_resources_of,
)
from esi_flows.compiler.queue import Queue
from esi_flows.model.errors import MappingError
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, Job, OnFailure, Parameter, ResourceRef, group_name


def is_change(intent: Intent, memo: Memo | None) -> bool:
    """Whether an intent is newer than what was last accepted.

    The same or an older version is none. A version that skips some is one like any other. After a
    deletion every unmarked intent is one: the resource begins anew, with version 1.
    """
    if memo is None or intent.version > memo.version:
        return True
    return memo.deleted and not intent.marked_for_deletion


def compile_change(
    resource: ResourceRef,
    intent: Intent,
    *,
    memo: Memo | None,
    documents: Documents,
    catalog: Catalog,
    queue: Queue,
    suffix: Callable[[], str],
) -> JobGroup | NotWorkable:
    """The jobs that make ``intent`` real, given what was last accepted and what is still queued.

    ``suffix`` gives the last part of each job's id. Raises MissingDocument or MappingError, which
    name the resource, the parameter and the mapping.
    """
    change = _Change(resource, intent, memo, documents, catalog)
    parts = change.parts()
    if not parts:
        return NotWorkable(resource, intent.version)
    waits_for = queue.waits_for(resource, {r for p in parts for q in p.params for r in q.resources})
    return JobGroup(
        name=group_name(resource, intent.version),
        action=change.action,
        resource=resource,
        version=intent.version,
        jobs=_jobs(resource, intent, parts, waits_for, suffix),
        waits_for=waits_for,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One job to be: what it does, and with which parameters."""

    action: Action
    handler: str
    params: tuple[Parameter, ...]
    on_failure: OnFailure = OnFailure.FAIL


def _jobs(
    resource: ResourceRef,
    intent: Intent,
    parts: list[_Part],
    waits_for: tuple[str, ...],
    suffix: Callable[[], str],
) -> tuple[Job, ...]:
    name = group_name(resource, intent.version)
    jobs: list[Job] = []
    for part in parts:
        job = Job(
            id=f"{part.action}:{part.handler}:{name}:{suffix()}",
            job_name=name,
            action=part.action,
            handler=part.handler,
            resource_type=resource.type,
            resource_id=resource.id,
            version=intent.version,
            resource_input=intent.body,
            params=part.params,
            is_first=not jobs,
            is_last=len(jobs) + 1 == len(parts),
            on_failure=part.on_failure,
            dependency=tuple(sorted(job.id for job in jobs)) if jobs else waits_for,
        )
        jobs.append(job)
    return tuple(jobs)


class _Change:
    """One change, with its configurations and the template choices made on them."""

    def __init__(
        self,
        resource: ResourceRef,
        intent: Intent,
        memo: Memo | None,
        documents: Documents,
        catalog: Catalog,
    ) -> None:
        self._documents = documents
        self._catalog = catalog
        self._new = Configuration(resource, intent.body, intent.version)
        gone = memo is None or (memo.deleted and not intent.marked_for_deletion)
        self._old = (
            None if gone or memo is None else Configuration(resource, memo.body, memo.version)
        )
        if intent.marked_for_deletion:
            self.action = Action.LOGICAL_DELETE
        else:
            self.action = Action.CREATE if self._old is None else Action.MODIFY

    def parts(self) -> list[_Part]:
        """The jobs in their order; none where no handler has a part in the change."""
        if self.action is Action.LOGICAL_DELETE:
            return self._removal()
        if self._old is None:
            return self._creation()
        return self._replacement(self._old)

    def _creation(self) -> list[_Part]:
        parts = []
        for handler in (HEAT_WORKER, MONITORING_WORKER):
            template = self._choose(handler, self._new)
            if template is not None:
                params = self._parameters(template, self._new)
                parts.append(_Part(Action.CREATE, handler, params))
        return parts

    def _removal(self) -> list[_Part]:
        parts = []
        watched = self._old or self._new
        monitoring = self._choose(MONITORING_WORKER, watched)
        if monitoring is not None:
            parts.append(self._end_of_monitoring(monitoring, watched))
        heat = self._choose(HEAT_WORKER, self._new)
        if heat is None and self._old is not None:
            heat = self._choose(HEAT_WORKER, self._old)
        if heat is not None:
            parts.append(self._stack_removal(heat))
        return parts

    def _replacement(self, old: Configuration) -> list[_Part]:
        parts = []
        before = self._choose(MONITORING_WORKER, old)
        after = self._choose(MONITORING_WORKER, self._new)
        if before is not None:
            parts.append(self._end_of_monitoring(before, old))
        parts.extend(self._stack_replacement(old))
        if after is not None:
            own = self._parameters(after, self._new)
            # recorded threefold: its own, and both configurations of the half that deletes
            both = (self._reads(after, old), resources_of(own))
            params = with_resources_of(own, *both) if before is not None else own
            parts.append(_Part(Action.CREATE, MONITORING_WORKER, params))
        return parts

    def _stack_replacement(self, old: Configuration) -> list[_Part]:
        after = self._choose(HEAT_WORKER, self._new)
        before = self._choose(HEAT_WORKER, old)
        if after is None:
            return [] if before is None else [self._stack_removal(before)]
        own = self._parameters(after, self._new)
        if before is None:
            return [_Part(Action.CREATE, HEAT_WORKER, own)]
        params = with_resources_of(own, self._reads(after, old))
        return [_Part(Action.MODIFY, HEAT_WORKER, params)]

    def _stack_removal(self, template: CompiledTemplate) -> _Part:
        own = self._parameters(template, self._new, lenient=True)
        reads = {} if self._old is None else self._reads(template, self._old)
        return _Part(Action.LOGICAL_DELETE, HEAT_WORKER, with_resources_of(own, reads))

    def _end_of_monitoring(self, template: CompiledTemplate, watched: Configuration) -> _Part:
        own = self._parameters(template, watched, lenient=True)
        other = {} if watched is self._new else self._reads(template, self._new)
        params = with_resources_of(own, other)
        return _Part(Action.DELETE, MONITORING_WORKER, params, OnFailure.IGNORE)

    def _choose(self, handler: str, configuration: Configuration) -> CompiledTemplate | None:
        try:
            return compiled(self._catalog).choose(handler, configuration, documents=self._documents)
        except MappingError as error:
            where = f"{configuration.resource}, template choice for {handler}"
            raise located(error, where) from error

    def _parameters(
        self, template: CompiledTemplate, configuration: Configuration, *, lenient: bool = False
    ) -> tuple[Parameter, ...]:
        return parameters(
            template,
            configuration,
            documents=self._documents,
            catalog=self._catalog,
            lenient=lenient,
        )

    def _reads(self, template: CompiledTemplate, other: Configuration) -> dict[str, Resources]:
        """What a template reads on the configuration that is not the job's own.

        Only for ordering, and what is gone orders nothing: never an error.
        """
        return resources_of(self._parameters(template, other, lenient=True))
