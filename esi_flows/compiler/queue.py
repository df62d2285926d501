"""The unfinished jobs, indexed by what a new group may have to wait for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from esi_flows.catalog.types import HEAT_WORKER
from esi_flows.model.jobs import Job, ResourceRef, group_of


class Queued(NamedTuple):
    """What the queue keeps of a job: not its parameters, for there may be very many jobs."""

    resource: ResourceRef
    handler: str
    reads: tuple[ResourceRef, ...]


class Queue:
    """Which jobs are not finished, and what they work on and were read from.

    Every question is answered in time independent of how many jobs there are. Not thread-safe.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Queued] = {}
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
        self._add(job.id, Queued(job.resource, job.handler, tuple(set(job.references()))))

    def remove(self, job_id: str) -> None:
        """A job is over; nothing happens if it was not in the queue."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        _discard(self._of, job.resource, job_id)
        for resource in job.reads:
            _discard(self._readers, resource, job_id)

    def take_out(self, job_ids: Collection[str]) -> dict[str, Queued]:
        """Remove jobs for a while; what :meth:`put_back` takes."""
        taken = {job_id: self._jobs[job_id] for job_id in job_ids if job_id in self._jobs}
        for job_id in taken:
            self.remove(job_id)
        return taken

    def put_back(self, taken: Mapping[str, Queued]) -> None:
        """Have the jobs again that were taken out."""
        for job_id, queued in taken.items():
            self._add(job_id, queued)

    def is_waited_for(self, job_ids: Collection[str], waits_for: Collection[str]) -> bool:
        """Whether another group may wait for one of these jobs, which wait for ``waits_for``.

        It may if its jobs work on, or read, what these work on, or work on what these read; but
        the groups that these wait for themselves were there before.
        """
        known = {group_of(job_id) for job_id in (*job_ids, *waits_for)}
        for job_id in job_ids:
            job = self._jobs.get(job_id)
            if job is None:
                continue
            near = [self._readers.get(job.resource, ()), self._of.get(job.resource, ())]
            near += [self._of.get(read, ()) for read in job.reads]
            if any(group_of(other) not in known for ids in near for other in ids):
                return True
        return False

    def _add(self, job_id: str, queued: Queued) -> None:
        self._jobs[job_id] = queued
        self._of[queued.resource].add(job_id)
        for resource in queued.reads:
            self._readers[resource].add(job_id)

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
