"""Handlers whose runs, and whose calls outside, are counted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from esi_flows.handlers.base import Handler, Outcome, Run, Steps, TellsCalls
from esi_flows.model.errors import ClaimLost, StoreError, Suspended
from esi_flows.model.jobs import Job
from esi_flows.operation.metrics import Metrics

_INTERRUPTIONS = (ClaimLost, GeneratorExit, StoreError, Suspended)
"""What ends a run that is to be made again, by whoever goes on."""


class ObservedHandler:
    """A :class:`~esi_flows.handlers.base.Handler` in front of another; it does the same."""

    def __init__(self, name: str, handler: Handler, metrics: Metrics) -> None:
        self._name = name
        self._handler = handler
        self._metrics = metrics
        if isinstance(handler, TellsCalls):
            handler.tell_calls(partial(_count_call, metrics, name))

    def execute(self, job: Job, run: Run) -> Steps:
        """As the handler behind."""
        if run.recovering:
            self._metrics.jobs_recovered.labels(self._name, job.action.value).inc()
        return self._observed("execute", job, self._handler.execute(job, run))

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        """As the handler behind."""
        return self._observed("revert", job, self._handler.revert(job, run, outcome))

    def close(self) -> None:
        """As the handler behind."""
        self._handler.close()

    def _observed(self, step: str, job: Job, steps: Steps) -> Steps:
        labels = (self._name, job.action.value, step)
        started = time.monotonic()
        ended = "failed"
        with self._metrics.jobs_running.labels(self._name).track_inprogress():
            try:
                outcome = yield from steps
                ended = "ok"
                return outcome
            except _INTERRUPTIONS:
                ended = "interrupted"
                raise
            finally:
                self._metrics.job_seconds.labels(*labels).observe(time.monotonic() - started)
                self._metrics.jobs.labels(*labels, ended).inc()


def observed(handlers: Mapping[str, Handler], metrics: Metrics) -> dict[str, Handler]:
    """The same handlers, each counted."""
    return {name: ObservedHandler(name, handler, metrics) for name, handler in handlers.items()}


def _count_call(metrics: Metrics, handler: str, call: str, outcome: str, seconds: float) -> None:
    metrics.calls.labels(handler, call, outcome).inc()
    metrics.call_seconds.labels(handler, call).observe(seconds)
