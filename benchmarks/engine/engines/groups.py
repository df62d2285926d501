"""Flows as job groups, and the handler whose jobs do nothing."""

from __future__ import annotations

import time

from benchmarks.engine.shapes import Shape, work
from esi_flows.catalog.types import Catalog, ResourceType
from esi_flows.handlers.base import Outcome, Run, Steps
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import Action, Job, OnFailure, ResourceRef, group_name

HANDLER = "no_work"
TYPE = "thing"

_SECONDS = "seconds"


def catalog() -> Catalog:
    """One type of resource, which nothing is compiled for."""
    return Catalog([ResourceType(type=TYPE, prefix="/v1", plural="things")], [])


class NoWork:
    """The handler of the benchmarks: notes that a job begins, if that is wanted, and ends."""

    def execute(self, job: Job, run: Run) -> Steps:
        """Do nothing, or sleep as the job says."""
        yield from ()
        work(Shape(job.job_name, (), job.resource_input.get(_SECONDS, 0.0)), job.id)
        return Outcome()

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        """Nothing was done, so nothing is undone."""
        yield from ()
        return Outcome()

    def close(self) -> None:
        """Nothing is held."""


class NothingRecorded:
    """What handlers could read of earlier runs."""

    def heat_stack(self, resource: ResourceRef) -> None:
        """None."""

    def stack_record(self, resource: ResourceRef) -> None:
        """None."""


def jobs_of(shape: Shape) -> list[Job]:
    """The jobs of a flow's group, as the compiler would post them."""
    resource = ResourceRef(TYPE, shape.name)
    name = group_name(resource, 1)
    last = len(shape.steps) - 1
    return [
        Job(
            id=_job_id(name, step.name),
            job_name=name,
            action=Action.CREATE,
            handler=HANDLER,
            resource_type=resource.type,
            resource_id=resource.id,
            version=1,
            resource_input={"id": resource.id, _SECONDS: shape.seconds},
            params=(),
            is_first=number == 0,
            is_last=number == last,
            on_failure=OnFailure.FAIL,
            dependency=tuple(_job_id(name, before) for before in step.after),
        )
        for number, step in enumerate(shape.steps)
    ]


def record_of(shape: Shape) -> GroupRecord:
    """The record of a flow's group, as it is posted."""
    resource = ResourceRef(TYPE, shape.name)
    name = group_name(resource, 1)
    return GroupRecord(
        name=name,
        action=Action.CREATE,
        resource=resource,
        version=1,
        job_ids=tuple(_job_id(name, step.name) for step in shape.steps),
        posted_at=time.time(),
    )


def _job_id(group: str, step: str) -> str:
    return f"create:{HANDLER}:{group}:{step}"
