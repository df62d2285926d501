"""One run of one claimed group: load or begin its flow, run it, tell how it ended."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from taskflow import exceptions as tf_exceptions
from taskflow import states
from taskflow.persistence import models

from esi_flows.catalog.types import Catalog
from esi_flows.engine.executor import StepExecutor
from esi_flows.engine.flow import GroupEngine, build_flow
from esi_flows.engine.persistence import GROUPS_BOOK, ensure_groups_book, flow_prefix
from esi_flows.engine.publish import GroupBackend, Publisher, error_of
from esi_flows.engine.task import HandlerTask
from esi_flows.engine.writer import FencedWriter
from esi_flows.handlers.base import Handler, Recorded, Run
from esi_flows.model import keys
from esi_flows.model.errors import EsiFlowsError, HandlerError
from esi_flows.model.groups import GroupState, JobCourse
from esi_flows.model.jobs import Job
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Compare, DeletePrefix, Op, Store

_ENDED = (states.SUCCESS, states.REVERTED)
"""Flows that are over. TaskFlow would run a REVERTED one again from the start."""

_NAMESPACE = uuid.UUID("5f0d5a0e-7a64-4cf1-9d33-3f1f8a9c2b57")


@dataclass(frozen=True, slots=True)
class FlowEnd:
    """How a flow ended: SUCCESS, REVERTED, or FAILURE where something could not be undone."""

    state: GroupState
    job_state: Mapping[str, Any]
    course: tuple[JobCourse, ...]
    failed_job: str = ""
    error: str = ""


class GroupRun:
    """Runs a group under a claim. One object per claim; :meth:`execute` once."""

    def __init__(
        self,
        name: str,
        jobs: Sequence[Job],
        path: ResourcePath,
        *,
        store: Store,
        claim: Compare,
        may_run: Callable[[], bool],
        handlers: Mapping[str, Handler],
        catalog: Catalog,
        recorded: Recorded,
        pool: Executor,
    ) -> None:
        """``claim`` is the fencing compare; ``may_run`` whether the lease is alive."""
        self._jobs = tuple(jobs)
        self._store = store
        self._handlers = handlers
        self._name = name
        self._catalog = catalog
        self._recorded = recorded
        self._flow_uuid = flow_uuid(name)
        items = store.range(self._prefix).items
        marker = f"{self._prefix}marker"
        found = {item.key: item for item in items}
        self._writer = FencedWriter(
            store,
            fence=claim,
            marker=marker,
            marker_revision=found[marker].mod_revision if marker in found else 0,
            may_wait=may_run,
        )
        for item in items:
            self._writer.remember(item.key, item.value)
        self._publisher = Publisher(self._jobs, path, self._writer)
        self._backend = GroupBackend(self._publisher, store=store, writer=self._writer)
        self._backend.book_of_flow[self._flow_uuid] = GROUPS_BOOK
        self._detail = self._load(items) if found else self._begin()
        self._steps = StepExecutor(pool, durable=self._writer.flush, may_run=may_run)

    @property
    def _prefix(self) -> str:
        return f"{flow_prefix(keys.PERSISTENCE, GROUPS_BOOK, self._flow_uuid)}/"

    def execute(self) -> FlowEnd:
        """Run, or go on, to the end. Raises ClaimLost, Suspended, StoreError: go on elsewhere."""
        if self._detail.state not in _ENDED:
            flow = build_flow(self._name, self._jobs, self._make_task)
            engine = GroupEngine(flow, self._detail, self._backend, {"executor": self._steps})
            # the jobs' own failures: the flow's state and details tell them
            with contextlib.suppress(HandlerError, tf_exceptions.WrappedFailure):
                engine.run()
            self._writer.flush()
        return self._end(self._detail.state)

    def suspend(self, reason: EsiFlowsError) -> None:
        """Stop at the next safe point: :meth:`execute` raises ``reason``."""
        self._steps.interrupt(reason)

    def finish(self, ops: Sequence[Op]) -> None:
        """The group's last transaction: ``ops``, and the flow's records removed.

        Raises ClaimLost, StoreUnavailable, Indeterminate.
        """
        self._writer.finish([*ops, *forget_flow(self._name)])

    def _begin(self) -> models.FlowDetail:
        ensure_groups_book(self._store)
        detail = models.FlowDetail(self._name, uuid=self._flow_uuid)
        self._backend.get_connection().update_flow_details(detail)
        return detail

    def _load(self, items: Any) -> models.FlowDetail:
        detail = self._backend.get_connection().assemble(GROUPS_BOOK, self._flow_uuid, items)
        self._publisher.recall(detail)
        return detail

    def _make_task(self, job: Job) -> HandlerTask:
        begun = {atom.name for atom in self._detail if atom.state not in (None, states.PENDING)}
        context = Run(self._catalog, self._recorded, recovering=job.id in begun)
        return HandlerTask(job, self._handlers[job.handler], context)

    def _end(self, flow_state: str) -> FlowEnd:
        course = tuple(self._publisher.course(self._detail, self._steps.waited_seconds))
        job_state = self._publisher.job_state()
        if flow_state == states.SUCCESS:
            return FlowEnd(GroupState.SUCCESS, job_state, course)
        failed = [atom for atom in self._detail if atom.failure is not None]
        standing = [job.id for job in course if "could not be undone" in job.error]
        return FlowEnd(
            GroupState.FAILURE
            if standing or flow_state != states.REVERTED
            else GroupState.REVERTED,
            job_state,
            course,
            failed_job=failed[0].name if failed else "",
            error="; ".join(error_of(atom) for atom in failed) or f"the flow ended as {flow_state}",
        )


def forget_flow(group: str) -> list[Op]:
    """What removes everything that is recorded of a group's flow."""
    return [DeletePrefix(f"{flow_prefix(keys.PERSISTENCE, GROUPS_BOOK, flow_uuid(group))}/")]


def flow_uuid(group: str) -> str:
    """The uuid of a group's flow detail: the same in every process."""
    return str(uuid.uuid5(_NAMESPACE, group))
