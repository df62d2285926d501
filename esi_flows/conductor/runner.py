"""Runs one claimed group to its end and writes that end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor

from esi_flows.catalog.types import Catalog
from esi_flows.conductor import endings
from esi_flows.conductor.recorded import RecordedInStore
from esi_flows.engine.run import FlowEnd, GroupRun, forget_flow
from esi_flows.handlers.base import Handler
from esi_flows.model import keys
from esi_flows.model.errors import (
    ClaimLost,
    DocumentInvalid,
    EsiFlowsError,
    Indeterminate,
    StoreError,
    StoreUnavailable,
    Suspended,
    TooLarge,
)
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Job
from esi_flows.store.base import Delete, Op, Store
from esi_flows.store.claims import Claim

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


class Runner:
    """The course of one group under one claim, in a thread of its own."""

    def __init__(
        self,
        record: GroupRecord,
        claim: Claim,
        *,
        store: Store,
        catalog: Catalog,
        handlers: Mapping[str, Handler],
        pool: Executor,
        may_run: Callable[[], bool],
    ) -> None:
        self.record = record
        self._claim = claim
        self._store = store
        self._catalog = catalog
        self._handlers = handlers
        self._pool = pool
        self._may_run = may_run
        self._run: GroupRun | None = None
        self._stopped_by: EsiFlowsError | None = None
        self.is_settled = False
        """Whether the claim is known to be over."""

    def __call__(self) -> None:
        """Run to the end. Whatever happens, the claim is not kept without somebody running."""
        fields = {"group": self.record.name, "attempt": self.record.attempts}
        LOG.info("group claimed", extra=fields)
        try:
            self._to_the_end()
        except Suspended:
            LOG.info("group suspended", extra=fields)
            self._release()
        except ClaimLost as error:
            LOG.warning("claim lost, the group goes on elsewhere", extra={"why": str(error)})
        except (TooLarge, DocumentInvalid) as error:
            self._give_up(error.message)  # the next conductor would get no further
        except StoreError as error:
            LOG.warning("group interrupted", extra={**fields, "error": str(error)})
            time.sleep(RETRY_SECONDS)  # whoever is next shall not find the very same
            self._release()
        except Exception:
            # a defect of ours or of a plug-in: other groups must not suffer, and nobody may wait
            # for ever for this one
            LOG.exception("group ended by an internal error", extra=fields)
            self._give_up("internal error; the conductor's log has the details")

    def suspend(self, reason: EsiFlowsError) -> None:
        """Stop at the next safe point, from any thread."""
        self._stopped_by = reason
        if self._run is not None:
            self._run.suspend(reason)

    def _to_the_end(self) -> None:
        jobs = self._jobs()
        self._run = run = GroupRun(
            self.record.name,
            jobs,
            self._catalog.path(self.record.resource),
            store=self._store,
            claim=self._claim.fence,
            may_run=self._may_run,
            handlers=self._handlers,
            catalog=self._catalog,
            recorded=RecordedInStore(self._store, self._catalog),
            pool=self._pool,
        )
        if self._stopped_by is not None:
            raise self._stopped_by
        end = run.execute()
        final, ops = endings.ended(self.record, jobs, end, catalog=self._catalog, now=time.time())
        self._finish(run, final, [*ops, Delete(self._claim.key)])

    def _jobs(self) -> Sequence[Job]:
        jobs = []
        for job_id in self.record.job_ids:
            key = keys.job(job_id)
            found = self._store.get(key)
            if found is None:
                raise DocumentInvalid(key, "the job is gone although its group has not ended")
            job = Job.decode(key, found.value)
            if job.handler not in self._handlers:
                known = ", ".join(sorted(self._handlers))
                raise DocumentInvalid(key, f"no handler {job.handler!r} is installed ({known})")
            jobs.append(job)
        return jobs

    def _finish(self, run: GroupRun, final: GroupRecord, ops: Sequence[Op]) -> None:
        while True:
            try:
                run.finish(ops)
            except (Indeterminate, StoreUnavailable, ClaimLost) as error:
                if self._is_over():
                    break
                if isinstance(error, ClaimLost):
                    raise
                time.sleep(RETRY_SECONDS)
            else:
                break
        self.is_settled = True
        LOG.info(
            "group ended",
            extra={"group": final.name, "state": final.state.value, "error": final.error},
        )

    def _is_over(self) -> bool:
        """Whether the end of this very claim's run is what is recorded."""
        key = keys.group(self.record.name)
        found = self._store.get(key)
        if found is None:
            return False
        stored = GroupRecord.decode(key, found.value)
        return (
            stored.state.ended
            and stored.conductor == self.record.conductor
            and stored.attempts == self.record.attempts
        )

    def _give_up(self, reason: str) -> None:
        end = FlowEnd(GroupState.FAILURE, {}, (), error=reason)
        final, ops = endings.ended(self.record, (), end, catalog=self._catalog, now=time.time())
        try:
            answer = self._store.txn(
                [self._claim.fence],
                [*ops, *forget_flow(final.name), Delete(self._claim.key)],
            )
        except StoreError as error:
            LOG.warning("end of group not written", extra={"error": str(error)})
            self._release()
            return
        self.is_settled = True
        LOG.error(
            "group given up",
            extra={"group": final.name, "reason": reason, "written": answer.succeeded},
        )

    def _release(self) -> None:
        """Give the claim back, so that the group goes on at once, here or elsewhere."""
        while self._may_run():
            try:
                self._store.txn([self._claim.fence], [Delete(self._claim.key)])
            except StoreError:
                time.sleep(RETRY_SECONDS)
            else:
                self.is_settled = True
                return
