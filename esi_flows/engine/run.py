"""One run of one claimed group: load or begin its flow, run it, tell how it ended."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from taskflow import exceptions as tf_exceptions
from taskflow import states
from taskflow.persistence import models

from esi_flows.catalog.types import Catalog
from esi_flows.engine.executor import StepExecutor
from esi_flows.engine.fenced import FencedWriter
from esi_flows.engine.flow import build_flow
from esi_flows.engine.host import FlowHost
from esi_flows.engine.mended.engine import DurableEngine
from esi_flows.engine.persistence import GROUPS_BOOK, flow_prefix
from esi_flows.engine.publish import GroupBackend, Publisher, error_of
from esi_flows.engine.stepped import SteppedEngine
from esi_flows.engine.task import HandlerTask
from esi_flows.engine.tenure import GroupTenure
from esi_flows.handlers.base import Handler, Recorded, Run
from esi_flows.model import keys
from esi_flows.model.errors import Cancelled, DefinitionChanged, EsiFlowsError, HandlerError
from esi_flows.model.groups import GroupState, JobCourse
from esi_flows.model.jobs import Job
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Compare, DeletePrefix, Op

_ENDED = (states.SUCCESS, states.REVERTED)
"""Flows that are over. TaskFlow would run a REVERTED one again from the start."""

_NAMESPACE = uuid.UUID("5f0d5a0e-7a64-4cf1-9d33-3f1f8a9c2b57")

_DEFINITION = "definition"
_CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Policy:
    """How jobs are run. ``keeps``: of which jobs a failed group leaves standing what they made;
    ``job_seconds``: after which time a job has failed (0: never).
    """

    keeps: Callable[[Job], bool] = lambda job: False
    job_seconds: float = 0.0


def keeping(what: Collection[str]) -> Callable[[Job], bool]:
    """A policy's ``keeps`` from handlers (``heat_worker``), with a resource type
    (``heat_worker:port``) where only its jobs are meant.
    """
    return lambda job: job.handler in what or f"{job.handler}:{job.resource_type}" in what


@dataclass(frozen=True, slots=True)
class FlowEnd:
    """How a flow ended: SUCCESS, REVERTED, or FAILURE where something could not be undone."""

    state: GroupState
    job_state: Mapping[str, Any]
    course: tuple[JobCourse, ...]
    failed_job: str = ""
    error: str = ""


class GroupRun:
    """Runs a group under a claim. One object per claim; :meth:`start` once."""

    def __init__(
        self,
        name: str,
        jobs: Sequence[Job],
        path: ResourcePath,
        *,
        host: FlowHost,
        claim: Compare,
        handlers: Mapping[str, Handler],
        catalog: Catalog,
        recorded: Recorded,
        policy: Policy | None = None,
        is_new: bool = False,
    ) -> None:
        """``claim`` is the fencing compare. ``is_new``: nobody can have begun this group, so that
        nothing has to be read. Raises StoreError, DefinitionChanged.
        """
        self._jobs = tuple(jobs)
        self._host = host
        self._handlers = handlers
        self._name = name
        self._catalog = catalog
        self._recorded = recorded
        self._policy = policy or Policy()
        self._flow_uuid = flow_uuid(name)
        self._writer = FencedWriter(host.committer, claim)
        self._tenure = GroupTenure(claim, host.lease, host.committer)
        self._publisher = Publisher(self._jobs, path, self._writer)
        self._backend = GroupBackend(self._publisher, store=host.store, writer=self._writer)
        self._backend.book_of_flow[self._flow_uuid] = GROUPS_BOOK
        self._on_end: Callable[[FlowEnd | Exception], None] = lambda end: None
        self._steps = StepExecutor(host.pool, may_run=host.may_run, notify=self._notify)
        self._engine: SteppedEngine | None = None
        self._detail = self._load(is_new)

    @property
    def _prefix(self) -> str:
        return f"{flow_prefix(keys.PERSISTENCE, GROUPS_BOOK, self._flow_uuid)}/"

    def start(self, on_end: Callable[[FlowEnd | Exception], None]) -> None:
        """Run, or go on, to the end, which ``on_end`` is told of in the loop's thread; it is
        durable no later than what :meth:`finish` writes.

        ``on_end`` is told of ClaimLost, Suspended or a StoreError where the group has to go on
        elsewhere.
        """
        self._on_end = on_end
        self._host.loop.call(self._start)

    def execute(self) -> FlowEnd:
        """As :meth:`start`, and wait until the end is durable. Raises what would be told."""
        answer: Future[FlowEnd | Exception] = Future()
        self.start(answer.set_result)
        end = answer.result()
        if not isinstance(end, FlowEnd):
            raise end
        self._writer.flush()
        return end

    def suspend(self, reason: EsiFlowsError) -> None:
        """Stop at the next safe point; ``on_end`` is told ``reason``. From any thread."""
        self._steps.interrupt(reason)

    def cancel(self, reason: str) -> None:
        """Stop what is under way and revert everything; too late once all is done.

        From any thread. It is recorded first, so that whoever takes over goes on with it.
        """
        self._host.loop.call(self._cancel, reason)

    def finish(self, ops: Sequence[Op], done: Callable[[EsiFlowsError | None], None]) -> None:
        """The group's last transaction: ``ops``, and the flow's records removed.

        ``done`` is told, in the committer's thread, of ClaimLost or a StoreError, or of None.
        """
        self._writer.finish([*ops, *forget_flow(self._name)], done)

    def _load(self, is_new: bool) -> models.FlowDetail:
        items = () if is_new else self._host.store.range(self._prefix).items
        connection = self._backend.get_connection()
        if not items:
            detail = models.FlowDetail(self._name, uuid=self._flow_uuid)
            detail.meta = {_DEFINITION: _digest(self._jobs)}
            connection.update_flow_details(detail)
            return detail
        for item in items:
            self._writer.remember(item.key, item.value)
        detail = connection.assemble(GROUPS_BOOK, self._flow_uuid, items)
        if detail.meta.get(_DEFINITION) != _digest(self._jobs):
            raise DefinitionChanged(
                f"the jobs of {self._name} are not those its flow was begun with",
                hint="what it has made so far stands; change the resource again to deploy it anew",
            )
        self._publisher.recall(detail)
        return detail

    def _start(self) -> None:
        if self._detail.state in _ENDED:
            self._on_end(self._end(self._detail.state))
            return
        try:
            engine = self._make_engine()
        except Exception as error:  # noqa: BLE001 - who waits for the end must hear of it
            self._on_end(error)
            return
        self._engine = engine
        engine.start()

    def _make_engine(self) -> SteppedEngine:
        """Raises what jobs bring about that make no flow: InvalidInput where they go in circles."""
        reason = self._detail.meta.get(_CANCELLED)
        if reason is not None:
            self._steps.doom(Cancelled(str(reason)))
        flow = build_flow(self._name, self._jobs, self._make_task)
        engine = DurableEngine(flow, self._detail, self._backend, {"executor": self._steps})
        return SteppedEngine(
            engine, self._steps, self._writer, loop=self._host.loop, on_end=self._ended
        )

    def _notify(self) -> None:
        self._host.loop.call(self._look)

    def _look(self) -> None:
        if self._engine is not None:
            self._engine.look()

    def _cancel(self, reason: str) -> None:
        self._detail.meta[_CANCELLED] = reason
        self._backend.get_connection().update_flow_details(self._detail)
        self._writer.send(lambda error: self._host.loop.call(self._revert, error, reason))

    def _revert(self, error: EsiFlowsError | None, reason: str) -> None:
        if error is not None:
            self._steps.interrupt(error)
        else:
            self._steps.doom(Cancelled(reason))

    def _ended(self, error: Exception | None) -> None:
        # the jobs' own failures: the flow's state and details tell them
        if error is None or isinstance(
            error, HandlerError | Cancelled | tf_exceptions.WrappedFailure
        ):
            # as recorded, the last job's job_state is seen before the group's end removes it; if
            # this fails, so does what follows
            self._writer.send(lambda failed: None)
            self._on_end(self._end(self._detail.state))
        else:
            self._on_end(error)

    def _make_task(self, job: Job) -> HandlerTask:
        begun = {atom.name for atom in self._detail if atom.state not in (None, states.PENDING)}
        context = Run(
            self._catalog, self._recorded, recovering=job.id in begun, tenure=self._tenure
        )
        return HandlerTask(
            job,
            self._handlers[job.handler],
            context,
            keeps=self._policy.keeps(job),
            timeout_seconds=self._policy.job_seconds,
        )

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


def _digest(jobs: Sequence[Job]) -> str:
    """Of everything the jobs say: what a flow was begun with is told from what it is now."""
    return hashlib.sha256(b"\n".join(job.encode() for job in jobs)).hexdigest()


def flow_uuid(group: str) -> str:
    """The uuid of a group's flow detail: the same in every process."""
    return str(uuid.uuid5(_NAMESPACE, group))
