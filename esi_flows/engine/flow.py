"""A job group as a TaskFlow graph flow, and the engine that runs it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from taskflow.engines.action_engine import builder, engine, runtime
from taskflow.patterns import graph_flow

from esi_flows.engine.executor import StepExecutor
from esi_flows.engine.task import HandlerTask
from esi_flows.model.errors import ClaimLost, Suspended
from esi_flows.model.jobs import Job


def build_flow(
    name: str, jobs: Sequence[Job], make_task: Callable[[Job], HandlerTask]
) -> graph_flow.Flow:
    """The group's flow: a task per job, an edge per dependency within the group.

    What a job waits for outside its group is over before the flow starts, so it has no place here.
    """
    tasks = {job.id: make_task(job) for job in jobs}
    flow = graph_flow.Flow(name)
    flow.add(*tasks.values())
    for job in jobs:
        for before in job.dependency:
            if before in tasks:
                flow.link(tasks[before], tasks[job.id])
    return flow


class GroupEngine(engine.ParallelActionEngine):  # type: ignore[misc]
    """TaskFlow's parallel engine with our executor; it waits where the executor says."""

    _compiled: bool

    @classmethod
    def _fetch_task_executor(cls, options: dict[str, Any]) -> StepExecutor:
        step_executor: StepExecutor = options["executor"]
        return step_executor

    def compile(self) -> None:
        """Compile as TaskFlow does, with a runtime whose waiter is the executor's."""
        if self._compiled:
            return
        self._compilation = self._check_compilation(self._compiler.compile())
        self._runtime = _Runtime(
            self._compilation,
            self.storage,
            self.atom_notifier,
            self._task_executor,
            self._retry_executor,
            options=self._options,
        )
        self._runtime.compile()
        self._compiled = True


class _Runtime(runtime.Runtime):  # type: ignore[misc]
    @property
    def builder(self) -> builder.MachineBuilder:
        return builder.MachineBuilder(self, self._task_executor.wait)


class _NotOurStops(logging.Filter):
    """TaskFlow reports every exception that ends an engine as a bug; a lost claim is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], ClaimLost | Suspended))


engine.LOG.logger.addFilter(_NotOurStops())
