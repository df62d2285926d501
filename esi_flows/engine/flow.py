"""A job group as a TaskFlow graph flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from taskflow.patterns import graph_flow

from esi_flows.engine.mended.flow import graph_of
from esi_flows.engine.task import HandlerTask
from esi_flows.model.jobs import Job


def build_flow(
    name: str, jobs: Sequence[Job], make_task: Callable[[Job], HandlerTask]
) -> graph_flow.Flow:
    """The group's flow: a task per job, an edge per dependency within the group.

    What a job waits for outside its group is over before the flow starts, so it has no place here.
    Raises InvalidInput for jobs that wait for each other.
    """
    tasks = {job.id: make_task(job) for job in jobs}
    edges = [
        (tasks[before], tasks[job.id])
        for job in jobs
        for before in job.dependency
        if before in tasks
    ]
    return graph_of(name, tasks.values(), edges)
