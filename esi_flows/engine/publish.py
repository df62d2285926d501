"""What a task's progress makes visible, in the transaction that records the progress."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from taskflow import states
from taskflow.persistence import models

from esi_flows.engine import outcomes
from esi_flows.engine.fenced import FencedWriter
from esi_flows.engine.persistence import EtcdBackend, EtcdConnection
from esi_flows.handlers.base import Outcome
from esi_flows.model import codec, keys
from esi_flows.model.groups import JobCourse
from esi_flows.model.jobs import Job
from esi_flows.model.keys import ResourcePath

Members = dict[str, Any]


class Publisher:
    """Turns saved atoms of one group into writes: job_state as it grows, and outcomes' documents.

    As recorded, job_state starts as ``{}`` with the group's first job and every job adds its
    members.
    """

    def __init__(self, jobs: Sequence[Job], path: ResourcePath, writer: FencedWriter) -> None:
        self._jobs = {job.id: job for job in jobs}
        self._job_state_key = keys.job_state(path)
        self._writer = writer
        self._outcomes: dict[str, Outcome] = {}
        self._seen: dict[str, str] = {}
        self._started: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    def recall(self, flow: models.FlowDetail) -> None:
        """Take over what an earlier conductor has already published."""
        for atom in flow:
            self._seen[atom.name] = atom.state
            outcome = outcomes.from_result(atom.results)
            if atom.state in (states.SUCCESS, states.REVERTING) and outcome is not None:
                self._outcomes[atom.name] = outcome

    def job_state(self) -> Members:
        """The members that the jobs have brought so far."""
        members: Members = {}
        for job_id in self._jobs:
            if job_id in self._outcomes:
                members.update(self._outcomes[job_id].job_state)
        return members

    def atom_saved(self, atom: models.AtomDetail) -> None:
        """An atom is about to be saved: add what becomes visible with it."""
        job = self._jobs.get(atom.name)
        if job is None or self._seen.get(atom.name) == atom.state:
            return
        self._seen[atom.name] = atom.state
        if atom.state == states.RUNNING:
            self._started.setdefault(job.id, time.time())
            if job.is_first:
                self._put_job_state()
        elif atom.state == states.SUCCESS:
            self._ended[job.id] = time.time()
            self._publish(atom.results, into=job.id)
            self._put_job_state()
        elif atom.state in (states.FAILURE, states.REVERTED):
            self._ended[job.id] = time.time()
            if self._outcomes.pop(job.id, None) is not None:
                self._put_job_state()
            self._publish(atom.revert_results)

    def course(self, flow: models.FlowDetail, waited: Mapping[str, float]) -> list[JobCourse]:
        """How each job went, in the group's order."""
        atoms = {atom.name: atom for atom in flow}
        return [
            JobCourse(
                id=job_id,
                state=atoms[job_id].state if job_id in atoms else states.PENDING,
                started_at=self._started.get(job_id, 0.0),
                ended_at=self._ended.get(job_id, 0.0),
                waited_seconds=round(waited.get(job_id, 0.0), 3),
                error=error_of(atoms[job_id]) if job_id in atoms else "",
            )
            for job_id in self._jobs
        ]

    def _publish(self, result: Any, into: str = "") -> None:
        outcome = outcomes.from_result(result)
        if outcome is None:
            return
        if into:
            self._outcomes[into] = outcome
        for write in outcome.writes:
            if write.value is None:
                self._writer.delete(write.key)
            else:
                self._writer.put(write.key, write.value)

    def _put_job_state(self) -> None:
        self._writer.put_late(self._job_state_key, lambda: codec.dumps(self.job_state()))


def error_of(atom: models.AtomDetail) -> str:
    """Why a job failed, was ignored, or could not be undone; empty where all went well."""
    if atom.failure is not None:
        text = str(atom.failure.exception_str)
    else:
        done = outcomes.from_result(atom.results)
        text = done.error if done is not None else ""
    undone = outcomes.from_result(atom.revert_results)
    if undone is not None and undone.error:
        text = f"{text}; could not be undone: {undone.error}".lstrip("; ")
    return text


class GroupBackend(EtcdBackend):
    """The persistence backend of one claimed group: what is saved is published with it."""

    def __init__(self, publisher: Publisher, **kwargs: Any) -> None:
        super().__init__({}, lazy_atoms=True, **kwargs)
        self._publisher = publisher

    def get_connection(self) -> EtcdConnection:
        """A connection that publishes."""
        return _GroupConnection(self, self._publisher)


class _GroupConnection(EtcdConnection):
    def __init__(self, backend: EtcdBackend, publisher: Publisher) -> None:
        super().__init__(backend)
        self._publisher = publisher

    def update_atom_details(
        self, atom_detail: models.AtomDetail, ignore_missing: bool = False
    ) -> models.AtomDetail:
        self._publisher.atom_saved(atom_detail)
        saved = super().update_atom_details(atom_detail, ignore_missing)
        # an outcome is never durable without what it published, nor the other way round
        self._writer.seal()
        return saved
