"""Runs one claimed group to its end and writes that end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from esi_flows.catalog.types import Catalog
from esi_flows.conductor import endings
from esi_flows.conductor.recorded import RecordedInStore
from esi_flows.engine.commit import Commit
from esi_flows.engine.host import FlowHost
from esi_flows.engine.run import FlowEnd, GroupRun, Policy, forget_flow
from esi_flows.handlers.base import Handler
from esi_flows.model import keys
from esi_flows.model.errors import (
    ClaimLost,
    DefinitionChanged,
    DocumentInvalid,
    EsiFlowsError,
    StoreError,
    Suspended,
    TooLarge,
)
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Job
from esi_flows.model.steering import Order, Want
from esi_flows.store.base import Delete, KeyValue, Op, Put
from esi_flows.store.claims import Claim

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 0.2
MAX_RETRY_SECONDS = 30.0


class Runner:
    """The course of one group under one claim. It holds no thread while the group waits."""

    def __init__(
        self,
        record: GroupRecord,
        claim: Claim,
        *,
        host: FlowHost,
        find_job: Callable[[str], KeyValue | None],
        catalog: Catalog,
        handlers: Mapping[str, Handler],
        policy: Policy,
    ) -> None:
        """``find_job`` gives the document of a key as far as this process has it."""
        self.record = record
        self._claim = claim
        self._host = host
        self._find_job = find_job
        self._catalog = catalog
        self._handlers = handlers
        self._policy = policy
        self._jobs: Sequence[Job] = ()
        self._run: GroupRun | None = None
        self._stopped_by: EsiFlowsError | None = None
        self._order: Order | None = None
        self._is_pausing = False
        self._is_handed_over = False
        self._lock = threading.Lock()
        self._on_end: Callable[[Runner], None] = lambda runner: None
        self.is_settled = False
        """Whether the claim is known to be over."""

    @property
    def _fields(self) -> dict[str, object]:
        return {"group": self.record.name, "attempt": self.record.attempts}

    def start(self, on_end: Callable[[Runner], None]) -> None:
        """Run to the end, and tell ``on_end`` then, from any thread.

        Whatever happens, the claim is not kept without somebody running.
        """
        self._on_end = on_end
        LOG.info("group claimed", extra=self._fields)
        # what has to be read from etcd would hold up the loop
        self._host.pool.submit(self._begin)

    def suspend(self, reason: EsiFlowsError) -> None:
        """Stop at the next safe point, from any thread."""
        with self._lock:
            self._stopped_by = reason
            run = self._run
        if run is not None:
            run.suspend(reason)
        self._host.loop.call(self._end_pause)

    def steer(self, order: Order) -> None:
        """Suspend or cancel because somebody wants so; from any thread, any number of times."""
        with self._lock:
            if self._order == order:
                return
            self._order = order
            run = self._run
        LOG.info("group steered", extra={**self._fields, "want": order.want, "by": order.by})
        if order.want is Want.SUSPEND:
            self.suspend(Suspended(f"suspended {order}"))
        elif order.want is Want.CANCEL and run is not None:
            run.cancel(f"cancelled {order}")

    def _begin(self) -> None:
        try:
            run = self._load()
        except Exception as error:  # noqa: BLE001 - how a run can end, in one place
            self._host.loop.call(self._ended, error)
            return
        with self._lock:
            self._run = run
            stopped_by, order = self._stopped_by, self._order
        if order is not None and order.want is Want.CANCEL:
            run.cancel(f"cancelled {order}")
        if stopped_by is not None:
            run.suspend(stopped_by)
        run.start(self._ended)

    def _load(self) -> GroupRun:
        self._jobs = self._load_jobs()
        return GroupRun(
            self.record.name,
            self._jobs,
            self._catalog.path(self.record.resource),
            host=self._host,
            claim=self._claim.fence,
            handlers=self._handlers,
            catalog=self._catalog,
            recorded=RecordedInStore(self._host.store, self._catalog),
            policy=self._policy,
            is_new=self.record.attempts == 1,
        )

    def _load_jobs(self) -> Sequence[Job]:
        jobs = []
        for job_id in self.record.job_ids:
            key = keys.job(job_id)
            found = self._find_job(key) or self._host.store.get(key)
            if found is None:
                raise DocumentInvalid(key, "the job is gone although its group has not ended")
            job = Job.decode(key, found.value)
            if job.handler not in self._handlers:
                known = ", ".join(sorted(self._handlers))
                raise DocumentInvalid(key, f"no handler {job.handler!r} is installed ({known})")
            jobs.append(job)
        return jobs

    def _ended(self, end: FlowEnd | Exception) -> None:
        """In the loop's thread: the flow is over, or cannot go on here."""
        if isinstance(end, FlowEnd):
            self._finish(end)
        elif isinstance(end, Suspended):
            LOG.info("group suspended", extra=self._fields)
            self._is_handed_over = True
            self._release()
        elif isinstance(end, ClaimLost):
            LOG.warning("claim lost, the group goes on elsewhere", extra={"why": str(end)})
            self._on_end(self)
        elif isinstance(end, TooLarge | DocumentInvalid | DefinitionChanged):
            self._give_up(end.message)  # the next conductor would get no further
        elif isinstance(end, StoreError):
            self._interrupted(end)
        else:
            # a defect of ours or of a plug-in: other groups must not suffer, and nobody may wait
            # for ever for this one
            LOG.error("group ended by an internal error", extra=self._fields, exc_info=end)
            self._give_up("internal error; the conductor's log has the details")

    def _finish(self, end: FlowEnd) -> None:
        run = self._run
        assert run is not None  # it has just ended
        try:
            final, ops = endings.ended(
                self.record, self._jobs, end, catalog=self._catalog, now=time.time()
            )
        except Exception as error:  # noqa: BLE001 - as if the run itself had ended by it
            self._ended(error)
            return
        run.finish([*ops, Delete(self._claim.key)], partial(self._finished, final))

    def _finished(self, final: GroupRecord, error: EsiFlowsError | None) -> None:
        if error is not None:
            self._host.loop.call(self._ended, error)
            return
        self.is_settled = True
        LOG.info(
            "group ended",
            extra={"group": final.name, "state": final.state.value, "error": final.error},
        )
        self._on_end(self)

    def _give_up(self, reason: str) -> None:
        end = FlowEnd(GroupState.FAILURE, {}, (), error=reason)
        final, ops = endings.ended(self.record, (), end, catalog=self._catalog, now=time.time())
        LOG.error("group given up", extra={"group": final.name, "reason": reason})
        ops = [*ops, *forget_flow(final.name), Delete(self._claim.key)]
        self._host.committer.submit(
            [Commit(self._claim.fence, tuple(ops), partial(self._given_up, final))]
        )

    def _given_up(self, final: GroupRecord, error: EsiFlowsError | None) -> None:
        if error is None or isinstance(error, ClaimLost):
            self._finished(final, error)
        else:
            self._interrupted(error)

    def _interrupted(self, error: EsiFlowsError) -> None:
        LOG.warning("group interrupted", extra={**self._fields, "error": str(error)})
        # whoever is next shall not find the very same, and the less so the oftener that happens;
        # etcd may be full, or refuse us, until somebody has done something about it
        pause = min(RETRY_SECONDS * 2 ** min(self.record.attempts - 1, 10), MAX_RETRY_SECONDS)
        self._host.loop.call(self._pause, pause)

    def _pause(self, seconds: float) -> None:
        """In the loop's thread: give the claim back in a while, or when told to stop."""
        self._is_pausing = True
        if self._stopped_by is not None:
            self._end_pause()
        else:
            self._host.loop.after(seconds, self._end_pause)

    def _end_pause(self) -> None:
        if self._is_pausing:
            self._is_pausing = False
            self._release()

    def _release_later(self) -> None:
        self._host.loop.after(RETRY_SECONDS, self._release)

    def _release(self) -> None:
        """Give the claim back, so that the group goes on at once, here or elsewhere."""
        ops: tuple[Op, ...] = (Delete(self._claim.key),)
        if self._is_handed_over:
            is_wanted = self._order is not None and self._order.want is Want.SUSPEND
            state = GroupState.SUSPENDED if is_wanted else GroupState.PENDING
            held = self.record.but(state=state)
            ops = (Put(keys.group(held.name), held.encode()), *ops)
        release = Commit(self._claim.fence, ops, self._released)
        self._host.committer.submit([release])

    def _released(self, error: EsiFlowsError | None) -> None:
        if error is not None and not isinstance(error, ClaimLost):
            LOG.warning("claim not given back", extra={**self._fields, "error": str(error)})
            self._host.loop.call(self._release_later)
            return
        self.is_settled = error is None
        self._on_end(self)
