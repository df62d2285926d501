"""Runs tasks in steps: a task that waits for the outside world holds no thread.

TaskFlow's own executors give a thread to each task for all its life and submit each task as soon as
it is marked RUNNING. This one collects what the engine schedules and lets it out only when it is
told that the marks are durable; see docs/adr/0003-handlers-as-steps.md.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from taskflow import task as tf_task
from taskflow.engines.action_engine import executor

from esi_flows.engine.steps import Steps, TaskEnd, TaskRun, whole
from esi_flows.engine.task import HandlerTask
from esi_flows.model.errors import ClaimLost, EsiFlowsError, Suspended

Ends = set["TaskEnd | Future[Any]"]
"""Tasks' ends, and those of retries, which are real futures."""


class StepExecutor(executor.TaskExecutor):  # type: ignore[misc]  # TaskFlow is untyped
    """The task executor of one engine, on a pool shared by all engines of the process.

    ``may_run`` is asked before every step: once it says no, no step is made any more. ``notify`` is
    called from any thread when a task has ended, and when after :meth:`interrupt` no step is under
    way any more. Its :meth:`wait` never waits: who steps the engine does.
    """

    def __init__(
        self, pool: Executor, *, may_run: Callable[[], bool], notify: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._may_run = may_run
        self._notify = notify
        self._scheduled: list[TaskRun] = []
        self._running: set[TaskRun] = set()
        self._ended: queue.SimpleQueue[TaskRun] = queue.SimpleQueue()
        self._doom: EsiFlowsError | None = None
        self._lock = threading.Lock()
        self._stepping = 0
        self.retries = _Retries(self._retry_ended)
        """The executor of the engine's retry atoms: they run at once, in the engine's thread."""
        self._retried: Ends = set()
        self.stopped_by: EsiFlowsError | None = None
        """Why no further step is made."""
        self.waited_seconds: dict[str, float] = {}
        """How long each task has waited for the outside world, by the task's name."""

    @property
    def has_scheduled(self) -> bool:
        """Whether tasks wait for :meth:`release`."""
        return bool(self._scheduled)

    @property
    def has_ended(self) -> bool:
        """Whether :meth:`wait` would tell of something."""
        return bool(self._retried) or not self._ended.empty()

    @property
    def is_busy(self) -> bool:
        """Whether any task is scheduled or has not been told of by :meth:`wait`."""
        return bool(self._scheduled or self._running)

    @property
    def is_quiet(self) -> bool:
        """Whether no step is under way in the outside world."""
        with self._lock:
            return not self._stepping

    def execute_task(
        self, task: Any, task_uuid: str, arguments: Any, progress_callback: Any = None
    ) -> TaskEnd:
        """Schedule a task's execution; it starts with the next :meth:`release`."""
        if isinstance(task, HandlerTask):
            steps: Steps = task.execute_steps()
        else:
            steps = whole(task, task.execute, arguments, progress_callback)
        run = self._schedule(task, executor.EXECUTED, steps)
        if self._doom is not None:
            run.throw(self._doom)
        return run.future

    def revert_task(
        self,
        task: Any,
        task_uuid: str,
        arguments: Any,
        result: Any,
        failures: Any,
        progress_callback: Any = None,
    ) -> TaskEnd:
        """Schedule a task's reversion; it starts with the next :meth:`release`."""
        if isinstance(task, HandlerTask):
            steps: Steps = task.revert_steps(result)
        else:
            known = {tf_task.REVERT_RESULT: result, tf_task.REVERT_FLOW_FAILURES: failures}
            steps = whole(task, task.revert, {**arguments, **known}, progress_callback)
        return self._schedule(task, executor.REVERTED, steps).future

    def release(self) -> list[TaskRun]:
        """Let out what is scheduled, and tell what that was."""
        released, self._scheduled = self._scheduled, []
        self._running.update(released)
        for run in released:
            run.start()
        return released

    def wait(self, futures: Ends, timeout: float | None = None) -> tuple[Ends, Ends]:
        """What has ended and what has not. Raises what :meth:`interrupt` was given."""
        if self.stopped_by is not None:
            raise self.stopped_by
        done, self._retried = self._retried, set()
        while not self._ended.empty():
            run = self._ended.get_nowait()
            self._running.discard(run)
            self.waited_seconds[run.name] = run.waited_seconds
            run.stop_clock()
            done.add(run.future)
        return done & futures, futures - done

    def interrupt(self, error: EsiFlowsError) -> None:
        """Make no further step; :meth:`wait` raises ``error``. From any thread."""
        with self._lock:
            if self.stopped_by is not None:
                return
            self.stopped_by = error
        for run in tuple(self._running):
            run.abandon()
        self._notify()

    def stop_clocks(self) -> None:
        """No task's time runs out any more."""
        for run in self._running:
            run.stop_clock()

    def doom(self, error: EsiFlowsError) -> None:
        """Raise ``error`` in every task that executes, now or later; reversions are spared."""
        self._doom = error
        for run in (*self._scheduled, *self._running):
            if run.outcome == executor.EXECUTED:
                run.throw(error)

    def stop(self) -> None:
        """The engine has ended: what still waits is let go of."""
        self.interrupt(Suspended("the engine has ended"))

    def begin_step(self) -> bool:
        """Before each step: whether it may be made; :meth:`end_step` must follow in any case."""
        with self._lock:
            self._stepping += 1
            if self.stopped_by is not None:
                return False
        if not self._may_run():
            self.interrupt(ClaimLost("the lease under which this group is claimed has run out"))
            return False
        return True

    def end_step(self, ended: TaskRun | None) -> None:
        """After each step; ``ended`` is the task, if it was its last."""
        if ended is not None:
            self._ended.put(ended)
        with self._lock:
            self._stepping -= 1
            tell = ended is not None or (self.stopped_by is not None and not self._stepping)
        if tell:
            self._notify()

    def _retry_ended(self, future: Future[Any]) -> None:
        self._retried.add(future)

    def _schedule(self, task: Any, outcome: str, steps: Steps) -> TaskRun:
        run = TaskRun(self, self._pool, task, outcome, steps)
        self._scheduled.append(run)
        return run


class _Retries(executor.SerialRetryExecutor):  # type: ignore[misc]  # TaskFlow is untyped
    """TaskFlow's own, which also tells what has ended."""

    def __init__(self, ended: Callable[[Future[Any]], None]) -> None:
        super().__init__()
        self._tell = ended

    def execute_retry(self, retry: Any, arguments: Any) -> Future[Any]:
        return self._told(super().execute_retry(retry, arguments))

    def revert_retry(self, retry: Any, arguments: Any) -> Future[Any]:
        return self._told(super().revert_retry(retry, arguments))

    def _told(self, future: Future[Any]) -> Future[Any]:
        self._tell(future)
        return future
