"""The progress of resources, computed from documents of the store alone.

A :class:`Board` is told which keys changed and reads nothing but the cache it was given, so the
same documents always give the same picture: live, and long after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.atoms import Atom
from esi_flows.deployments.progress import Followed, JobProgress, Phase, ResourceProgress
from esi_flows.deployments.recorded import state_failed
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import ResourceRef, group_name, group_of, is_job_id
from esi_flows.model.results import State
from esi_flows.store.base import KeyValue

PREFIXES = (keys.CONFIG, keys.GROUPS, keys.PERSISTENCE, keys.QUARANTINE, keys.STATE)
"""What the cache behind a board must hold."""

Get = Callable[[str], KeyValue | None]

_OF_ATOM = {
    "RUNNING": Phase.RUNNING,
    "SUCCESS": Phase.DONE,
    "FAILURE": Phase.FAILED,
    "REVERTING": Phase.REVERTING,
    "REVERTED": Phase.REVERTED,
    "REVERT_FAILURE": Phase.FAILED,
}
_OF_GROUP = {
    GroupState.PENDING: Phase.WAITING,
    GroupState.RUNNING: Phase.RUNNING,
    GroupState.SUSPENDED: Phase.SUSPENDED,
    GroupState.SUCCESS: Phase.DONE,
    GroupState.REVERTED: Phase.REVERTED,
    GroupState.FAILURE: Phase.FAILED,
    GroupState.CANCELLED: Phase.CANCELLED,
}


class Board:
    """The progress of some resources, kept current from changed keys."""

    def __init__(
        self,
        get: Get,
        catalog: Catalog,
        followed: Iterable[Followed],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._get = get
        self._catalog = catalog
        self._clock = clock
        self._atoms: dict[str, Atom] = {}
        self._followed = {f.resource: f for f in followed}
        self.resources = {r: self._progress(f) for r, f in self._followed.items()}

    def update(self, changed: Iterable[str]) -> list[ResourceProgress]:
        """Take changed keys into account; the progress of each resource that moved."""
        touched = dict.fromkeys(r for key in changed if (r := self._resource_of(key)) is not None)
        moved = []
        for resource in touched:
            if resource in self._followed:
                progress = self._progress(self._followed[resource])
                if progress != self.resources[resource]:
                    self.resources[resource] = progress
                    moved.append(progress)
        return moved

    @property
    def ended(self) -> bool:
        """Whether every resource has its result."""
        return all(progress.ended for progress in self.resources.values())

    def waiting_on(self, progress: ResourceProgress) -> tuple[str, ...]:
        """Jobs of other groups that keep this one from running now."""
        return tuple(job for job in progress.waits_for if not self._ended_well(group_of(job)))

    def _ended_well(self, group: str) -> bool:
        record = self._group(group)
        return record is None or record.state is GroupState.SUCCESS

    def _resource_of(self, key: str) -> ResourceRef | None:
        """The resource that a changed key is about; notes atoms on the way."""
        if key.startswith(keys.PERSISTENCE):
            name = self._note_atom(key)
            return _resource_of_group(group_of(name)) if is_job_id(name) else None
        if key.startswith(keys.GROUPS):
            return _resource_of_group(key.removeprefix(keys.GROUPS))
        if key.startswith(keys.QUARANTINE):
            key = keys.quarantined(key)
        for root in (keys.STATE, keys.CONFIG, keys.MONITORING):
            path = keys.parse_resource(key, root)
            if path is not None:
                return self._catalog.resource(path)
        return None

    def _note_atom(self, key: str) -> str:
        found = self._get(key)
        if "/atoms/" not in key or found is None:
            return ""
        atom = Atom.read(found.value, self._clock())
        if atom is None:
            return ""
        before = self._atoms.get(atom.name)
        self._atoms[atom.name] = atom.after(before)
        return atom.name

    def _group(self, name: str) -> GroupRecord | None:
        key = keys.group(name)
        found = self._get(key)
        try:
            return GroupRecord.decode(key, found.value) if found is not None else None
        except DocumentInvalid:
            return None

    def _progress(self, followed: Followed) -> ResourceProgress:
        path = self._catalog.path(followed.resource)
        intent = self._get(keys.config(path))
        written = intent.mod_revision if intent is not None else 0
        state = self._state(keys.state(path))
        settled = state is not None and state.version >= followed.version
        name = group_name(followed.resource, followed.version)
        found = self._get(keys.group(name))
        # an older record is of an earlier life of a resource that was removed and made again
        current = found is not None and (settled or found.mod_revision > written)
        record = self._group(name) if current else None
        if record is not None and record.posted_at == followed.instead_of:
            record, settled = None, False  # the one before; the one that is wanted is to come
        quarantine = self._get(keys.quarantine(keys.config(path)))
        if record is None and quarantine is not None and quarantine.mod_revision > written:
            return ResourceProgress(
                followed=followed, phase=Phase.FAILED, ended=True, error=_reason(quarantine)
            )
        if record is None:
            return _without_group(followed, state if settled else None)
        return self._with_group(followed, record, state if settled else None)

    def _state(self, key: str) -> State | None:
        found = self._get(key)
        try:
            return State.decode(key, found.value) if found is not None else None
        except DocumentInvalid:
            return None

    def _with_group(
        self, followed: Followed, record: GroupRecord, state: State | None
    ) -> ResourceProgress:
        jobs = jobs_of(record, self._atoms)
        return ResourceProgress(
            followed=followed,
            phase=phase_of(record, jobs),
            ended=record.state.ended and state is not None,
            action=record.action.value,
            jobs=jobs,
            waits_for=record.waits_for,
            error=record.error or (state.error if state is not None else ""),
            worker_state=state.worker_state if state is not None else "",
            posted_at=record.posted_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
        )


def jobs_of(record: GroupRecord, atoms: Mapping[str, Atom]) -> tuple[JobProgress, ...]:
    """How far the jobs of a group are: as its course tells, else as their ``atoms`` do, by job."""
    course = {job.id: job for job in record.course}
    jobs = []
    for job_id in record.job_ids:
        if job_id in course:
            job = course[job_id]
            jobs.append(
                JobProgress(
                    id=job_id,
                    phase=_phase(job.state, job.error, record, job_id),
                    started_at=job.started_at,
                    ended_at=job.ended_at,
                    waited_seconds=job.waited_seconds,
                    error=job.error,
                )
            )
            continue
        atom = atoms.get(job_id)
        state, error = (atom.state, atom.error) if atom is not None else ("PENDING", "")
        started = atom.started_at if atom is not None else 0.0
        phase = _phase(state, error, record, job_id)
        jobs.append(JobProgress(id=job_id, phase=phase, started_at=started, error=error))
    return tuple(jobs)


def phase_of(record: GroupRecord, jobs: Iterable[JobProgress]) -> Phase:
    """Where a group is whose jobs are that far."""
    phase = _OF_GROUP[record.state]
    if phase is Phase.RUNNING and any(job.phase is Phase.REVERTING for job in jobs):
        return Phase.REVERTING
    return phase


def _phase(state: str, error: str, record: GroupRecord, job_id: str) -> Phase:
    if record.failed_job == job_id:
        return Phase.FAILED
    phase = _OF_ATOM.get(state)
    if phase is None:
        return Phase.NOT_RUN if record.state.ended else Phase.WAITING
    if error and phase is Phase.DONE:
        return Phase.IGNORED
    # what is reverted because it failed itself keeps its error; the others are reverted for it
    return Phase.FAILED if error else phase


def _without_group(followed: Followed, state: State | None) -> ResourceProgress:
    if state is None:
        return ResourceProgress(followed=followed, phase=Phase.WAITING, ended=False)
    return ResourceProgress(
        followed=followed,
        phase=Phase.FAILED if state_failed(state) else Phase.DONE,
        ended=True,
        error=state.error,
        worker_state=state.worker_state,
    )


def _resource_of_group(name: str) -> ResourceRef | None:
    kind, _, rest = name.partition(":")
    identifier, _, version = rest.rpartition(":")
    return ResourceRef(kind, identifier) if identifier and version.isdigit() else None


def _reason(quarantine: KeyValue) -> str:
    """Why a document is in quarantine, whatever form the note has."""
    try:
        note = codec.loads(quarantine.key, quarantine.value)
    except DocumentInvalid:
        return quarantine.value.decode(errors="replace")
    if isinstance(note, Mapping):
        return str(note.get("reason") or note.get("error") or dict(note))
    return str(note)
