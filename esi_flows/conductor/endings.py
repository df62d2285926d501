"""What the end of a group writes: one transaction, so that at every revision the world is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from esi_flows.catalog.types import Catalog, Profile
from esi_flows.conductor.removal import removed_jobs
from esi_flows.engine.run import FlowEnd
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState, JobCourse
from esi_flows.model.jobs import Action, Job
from esi_flows.model.results import State, completed, failed
from esi_flows.store.base import Delete, Op, Put

MAX_ERROR = 20_000
"""Characters of an error that are kept."""
MAX_RECORDS_BYTES = 1300 * 1024
"""What the record and the copy that is kept of it may take in the transaction of a group's end."""

_ERROR = {
    Action.CREATE: "CREATE_ERROR",
    Action.MODIFY: "MODIFY_ERROR",
    Action.DELETE: "DELETE_ERROR",
    Action.LOGICAL_DELETE: "DELETE_ERROR",
}


def ended(
    record: GroupRecord, jobs: Sequence[Job], end: FlowEnd, *, catalog: Catalog, now: float
) -> tuple[GroupRecord, list[Op]]:
    """The final record of a group that ran, and everything its end writes."""
    final = record.but(
        state=end.state,
        error=end.error[:MAX_ERROR],
        failed_job=end.failed_job,
        ended_at=now,
    )
    final = told(final, end.course)
    if end.state is GroupState.SUCCESS:
        # as recorded, the state carries the action of the last job, also after a modify
        state = State.of_job_state(
            version=record.version,
            worker_state=completed(jobs[-1].action),
            job_state=end.job_state,
        )
        return final, [*_written(final, state, catalog)]
    return final, [*_written(final, failure_state(final, catalog), catalog)]


def told(record: GroupRecord, course: Sequence[JobCourse]) -> GroupRecord:
    """The record with the course of its jobs, as far as there is room.

    Of very many jobs it tells of those that did not go well, and of those that took longest.
    """
    course = [
        replace(job, error=job.error[:MAX_ERROR]) if len(job.error) > MAX_ERROR else job
        for job in course
    ]
    room = MAX_RECORDS_BYTES // 2 - len(record.encode())
    kept = set()
    for job in sorted(course, key=_telling, reverse=True):
        # a character of an error may take six bytes of JSON, the names and times take so many
        room -= len(job.id.encode()) + 6 * len(job.error) + 180
        if room < 0:
            break
        kept.add(job.id)
    return record.but(
        course=tuple(job for job in course if job.id in kept),
        course_omitted=len(course) - len(kept),
    )


def _telling(job: JobCourse) -> tuple[bool, float]:
    return bool(job.error), job.ended_at - job.started_at


def cancelled(
    record: GroupRecord, failed_job: str, *, catalog: Catalog, now: float
) -> tuple[GroupRecord, list[Op]]:
    """The final record of a group that never ran because ``failed_job`` failed, and the writes."""
    final = record.but(
        state=GroupState.CANCELLED,
        error=f"canceled: {failed_job}",
        failed_job=failed_job,
        ended_at=now,
    )
    return final, [*_written(final, failure_state(final, catalog), catalog)]


def called_off(
    record: GroupRecord, reason: str, *, catalog: Catalog, now: float
) -> tuple[GroupRecord, list[Op]]:
    """The final record of a group that never ran because somebody wanted so, and the writes.

    One that has run, and could not be brought to an end, has failed: nobody undoes what it did.
    """
    state = GroupState.CANCELLED
    if record.attempts:
        state, reason = GroupState.FAILURE, f"{reason}; nothing is undone: {record.error}"
    final = record.but(state=state, error=reason[:MAX_ERROR], ended_at=now)
    return final, [
        *_written(final, failure_state(final, catalog), catalog),
        Delete(keys.quarantine(keys.group(final.name))),
    ]


def superseded(record: GroupRecord, version: int, *, now: float) -> list[Op]:
    """What ends a group that never ran because a newer version took its place.

    Its state is never told: that of the newer version will be.
    """
    final = record.but(
        state=GroupState.CANCELLED, error=f"superseded by version {version}", ended_at=now
    )
    return _records(final)


def failure_state(record: GroupRecord, catalog: Catalog) -> State:
    """What gohan reads of a group that failed or was cancelled."""
    members = {}
    if catalog.profile is Profile.B:
        members["orchestration_state"] = _ERROR[record.action]
    return State(
        version=record.version,
        worker_state=failed(record.action),
        error=record.error,
        members=members,
    )


def _written(final: GroupRecord, state: State, catalog: Catalog) -> list[Op]:
    path = catalog.path(final.resource)
    return [
        Put(keys.state(path), state.encode()),
        Delete(keys.job_state(path)),
        *_records(final),
    ]


def _records(final: GroupRecord) -> list[Op]:
    return [
        Put(keys.group(final.name), final.encode()),
        Put(keys.course(final.name, final.ended_at), final.encode()),
        *removed_jobs(final.name, final.job_ids),
    ]
