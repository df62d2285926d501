"""How the reader writes what it has decided: a group in parts where it is too much for one."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from esi_flows.compiler.groups import JobGroup
from esi_flows.compiler.queue import Queue
from esi_flows.conductor.removal import check_names
from esi_flows.engine.commit import MAX_BYTES, MAX_OPS, size_of
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, TooLarge
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import group_of, is_job_id
from esi_flows.model.keys import ResourcePath
from esi_flows.model.steering import Want
from esi_flows.store.base import Compare, Delete, KeyValue, Op, Put, Store, unchanged
from esi_flows.store.claims import Claim
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import observe

LOG = logging.getLogger(__name__)

MAX_COMPARED = 100
"""How many jobs a group may wait for and be sure that all are still queued; etcd takes 128 compares
in one transaction. Waiting for a job that has just ended costs nothing but the word."""

MAX_RECORD_BYTES = 600 * 1024
"""The record of a group when it is posted: what is added at its end must find room."""
MAX_DOCUMENT_BYTES = 1400 * 1024
"""Any other document of a posting; etcd takes 1.5 MiB in one request."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a decision rests on: the intent of a resource and its memo, as they were looked at."""

    path: ResourcePath
    config: KeyValue | None
    memo: KeyValue | None


class Poster:
    """Writes on condition that nothing has changed that was decided on. Not thread-safe.

    A group that is too much for one transaction is posted jobs first, in parts; its record, which
    makes them count, comes last, together with the memo. What a posting leaves behind that was
    broken off, by a crash, an error or a change, is jobs of no group: :meth:`sweep` removes them
    before anything else is compiled.
    """

    def __init__(self, store: Store, cache: Reflector, queue: Queue) -> None:
        self._store = store
        self._cache = cache
        self._queue = queue
        self._broken_off: set[str] = set()

    def write(
        self,
        seen: Seen,
        ops: Sequence[Op],
        claim: Claim,
        *,
        group: str = "",
        compares: Sequence[Compare] = (),
    ) -> bool:
        """Write if ``seen`` and the record of ``group`` are as they were looked at.

        False: something has changed, and the watch brings it; it is decided again then. Raises
        StoreError.
        """
        conditions = [
            claim.fence,
            unchanged(keys.config(seen.path), _revision(seen.config)),
            unchanged(keys.memo(seen.path), _revision(seen.memo)),
            *compares,
        ]
        if group:
            key = keys.group(group)
            conditions.append(unchanged(key, _revision(self._cache.get(key))))
        answer = self._store.txn(conditions, ops)
        if answer.succeeded:
            observe(self._cache, ops, answer.revision)
        return answer.succeeded

    def post(
        self,
        seen: Seen,
        group: JobGroup,
        ops: Sequence[Op],
        claim: Claim,
        *,
        compares: Sequence[Compare] = (),
    ) -> bool:
        """Post a group, and ``ops`` with its record if ``compares`` hold; as :meth:`write`.

        Raises TooLarge, InvalidInput where it cannot be posted at all; then nothing is written.
        """
        queued = self._still_queued(group.waits_for)
        if queued is None:
            return False
        record = self._record(group)
        check_names(group.name, record.job_ids, self._cache)
        # in the order of their keys, in which a sweep removes them
        jobs = sorted((Put(keys.job(job.id), job.encode()) for job in group.jobs), key=_key)
        marker = Put(keys.group(group.name), record.encode())
        _check_size(marker, MAX_RECORD_BYTES)
        for op in (*jobs, *ops):
            _check_size(op, MAX_DOCUMENT_BYTES)
        parts, last = _parted(jobs, [*ops, marker])
        if parts:
            self._broken_off.add(group.name)
        for part in parts:
            if not self.write(seen, part, claim, group=group.name):
                return False
        if parts:
            # should this one arrive late, after a sweep, then it must not count any more
            first = jobs[0].key
            queued.append(unchanged(first, _revision(self._cache.get(first))))
        held = [*queued, *compares]
        if not self.write(seen, last, claim, group=group.name, compares=held):
            return False
        self._broken_off.discard(group.name)
        LOG.info("group posted", extra={"group": group.name, "waits_for": list(group.waits_for)})
        for job in group.jobs:
            self._queue.add(job)
        return True

    def sweep(self, claim: Claim, *, thoroughly: bool = False) -> None:
        """Remove the jobs of postings that were broken off: here, or ``thoroughly`` by anybody.

        Only for who holds the reader's role, and knows all that the last one has written. Raises
        StoreError.
        """
        if not (thoroughly or self._broken_off):
            return
        self._broken_off.clear()
        for group, jobs in self._left_over().items():
            conditions = [
                claim.fence,
                unchanged(keys.group(group), _revision(self._cache.get(keys.group(group)))),
            ]
            for part in _chunks([Delete(keys.job(job_id)) for job_id in jobs]):
                answer = self._store.txn(conditions, part)
                if not answer.succeeded:
                    self._broken_off.add(group)  # it was posted after all, or the role is lost
                    return
                observe(self._cache, part, answer.revision)
            for job_id in jobs:
                self._queue.remove(job_id)
            LOG.warning("jobs removed that were never posted", extra={"group": group})

    def _left_over(self) -> dict[str, list[str]]:
        """By the group they would be of: the jobs that its record does not name."""
        known: dict[str, frozenset[str] | None] = {}
        left: dict[str, list[str]] = {}
        for item in self._cache.items(keys.JOBS):
            job_id = item.key.removeprefix(keys.JOBS)
            if not is_job_id(job_id):
                continue
            name = group_of(job_id)
            if name not in known:
                known[name] = self._jobs_of(name)
            named = known[name]
            if named is not None and job_id not in named:
                left.setdefault(name, []).append(job_id)
        return left

    def _jobs_of(self, group: str) -> frozenset[str] | None:
        """The jobs that the record names; None where there is one that cannot be read."""
        found = self._cache.get(keys.group(group))
        if found is None:
            return frozenset()
        try:
            record = GroupRecord.decode(found.key, found.value)
        except DocumentInvalid:
            return None
        return frozenset(record.job_ids)

    def _record(self, group: JobGroup) -> GroupRecord:
        """The record to be; who wanted that an ended group of that name is tried again is told."""
        known = self._cache.get(keys.group(group.name))
        try:
            ended = GroupRecord.decode(known.key, known.value) if known is not None else None
        except DocumentInvalid:
            ended = None  # reported when it was taken in
        retried = ended.orders[-1:] if ended is not None else ()
        return GroupRecord(
            name=group.name,
            action=group.action,
            resource=group.resource,
            version=group.version,
            job_ids=tuple(job.id for job in group.jobs),
            waits_for=group.waits_for,
            posted_at=time.time(),
            orders=tuple(order for order in retried if order.want is Want.RETRY),
        )

    def _still_queued(self, job_ids: Sequence[str]) -> list[Compare] | None:
        """That these jobs are queued, to be compared; None where one is known not to be."""
        compares = []
        for job_id in job_ids[:MAX_COMPARED]:
            queued = self._cache.get(keys.job(job_id))
            if queued is None:
                return None
            compares.append(unchanged(queued.key, queued.mod_revision))
        return compares


def _key(op: Put) -> str:
    return op.key


def _revision(item: KeyValue | None) -> int:
    return item.mod_revision if item is not None else 0


def _check_size(op: Op, most: int) -> None:
    if size_of(op) > most:
        assert isinstance(op, Put)  # nothing else is large
        raise TooLarge(
            f"{op.key}: {size_of(op)} bytes, {most} is the most",
            hint="keep the large part outside of the document",
        )


def _parted(jobs: Sequence[Op], last: Sequence[Op]) -> tuple[list[list[Op]], list[Op]]:
    """Transactions of jobs, and the one that ``last`` is in; only that one, if all fit into it."""
    if len(jobs) + len(last) <= MAX_OPS and sum(map(size_of, [*jobs, *last])) <= MAX_BYTES:
        return [], [*jobs, *last]
    return _chunks(jobs), list(last)


def _chunks(ops: Sequence[Op]) -> list[list[Op]]:
    """The operations in order, as many in each as fit into one transaction."""
    chunks: list[list[Op]] = []
    size = 0
    for op in ops:
        size += size_of(op)
        if not chunks or len(chunks[-1]) == MAX_OPS or size > MAX_BYTES:
            chunks.append([])
            size = size_of(op)
        chunks[-1].append(op)
    return chunks
