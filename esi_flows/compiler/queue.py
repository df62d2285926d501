"""The unfinished jobs, indexed by what a new group may have to wait for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

from esi_flows.catalog.types import HEAT_WORKER
from esi_flows.model.jobs import Job, ResourceRef


class _Queued(NamedTuple):
    """What the queue keeps of a job: not its parameters, for there may be very many jobs."""

    resource: ResourceRef
    handler: str
    reads: tuple[ResourceRef, ...]


class Queue:
    """Which jobs are not finished, and what they work on and were read from.

    Every question is answered in time independent of how many jobs there are. Not thread-safe.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, _Queued] = {}
        self._of: defaultdict[ResourceRef, set[str]] = defaultdict(set)
        self._readers: defaultdict[ResourceRef, set[str]] = defaultdict(set)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[str]:
        return iter(self._jobs)

    def add(self, job: Job) -> None:
        """A job was posted; adding it again changes nothing."""
        if job.id in self._jobs:
            return
        queued = _Queued(job.resource, job.handler, tuple(set(job.references())))
        self._jobs[job.id] = queued
        self._of[queued.resource].add(job.id)
        for resource in queued.reads:
            self._readers[resource].add(job.id)

    def remove(self, job_id: str) -> None:
        """A job is over; nothing happens if it was not in the queue."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        _discard(self._of, job.resource, job_id)
        for resource in job.reads:
            _discard(self._readers, resource, job_id)

    def waits_for(self, me: ResourceRef, reads: Collection[ResourceRef]) -> tuple[str, ...]:
        """Ids of the jobs that a new group of ``me``, reading ``reads``, waits for; sorted.

        As recorded: the Heat jobs of what it reads (their outputs are needed; monitoring jobs bring
        none), and every job that reads ``me`` (it needs the outcome as it is now). Our own
        addition: every job of ``me`` itself, since two updates of one stack must not overlap.
        """
        waits: set[str] = set(self._of.get(me, ()))
        waits.update(self._readers.get(me, ()))
        for resource in set(reads):
            for job_id in self._of.get(resource, ()):
                if self._jobs[job_id].handler == HEAT_WORKER:
                    waits.add(job_id)
        return tuple(sorted(waits))


def _discard(index: dict[ResourceRef, set[str]], resource: ResourceRef, job_id: str) -> None:
    ids = index[resource]
    ids.discard(job_id)
    if not ids:
        del index[resource]
