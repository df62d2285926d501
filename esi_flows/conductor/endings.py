"""What the end of a group writes: one transaction, so that at every revision the world is whole."""

from __future__ import annotations

from collections.abc import Sequence

from esi_flows.catalog.types import Catalog, Profile
from esi_flows.engine.run import FlowEnd
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, Job
from esi_flows.model.results import State, completed, failed
from esi_flows.store.base import Delete, Op, Put

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
        error=end.error,
        failed_job=end.failed_job,
        ended_at=now,
        course=end.course,
    )
    if end.state is GroupState.SUCCESS:
        # as recorded, the state carries the action of the last job, also after a modify
        state = State.of_job_state(
            version=record.version,
            worker_state=completed(jobs[-1].action),
            job_state=end.job_state,
        )
        return final, [*_written(final, state, catalog)]
    return final, [*_written(final, failure_state(final, catalog), catalog)]


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
        Put(keys.group(final.name), final.encode()),
        Delete(keys.job_state(path)),
        *(Delete(keys.job(job_id)) for job_id in final.job_ids),
    ]
        Put(keys.course(final.name, final.ended_at), final.encode()),
