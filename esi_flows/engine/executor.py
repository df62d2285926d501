"""Runs tasks in steps: a task that waits for the outside world holds no thread.

TaskFlow's own executors give a thread to each task for all its life and submit each task as soon as
it is marked RUNNING. This one collects what the engine schedules, makes it durable once, and only
then lets it out; see docs/adr/0003-handlers-as-steps.md.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future
from typing import Any

from taskflow import task as tf_task
from taskflow.engines.action_engine import executor
from taskflow.types import failure

from esi_flows.engine.task import HandlerTask
from esi_flows.model.errors import ClaimLost, HandlerError, Suspended

Steps = Generator["Future[Any]", Any, Any]
Futures = set["Future[Any]"]


class StepExecutor(executor.TaskExecutor):  # type: ignore[misc]
    """The task executor of one engine, on a pool shared by all engines of the process.

    ``durable`` is called before anything leaves the process and before every wait; ``may_run``
    is asked before every step: once it says no, no step is made any more.
    """

    def __init__(
        self, pool: Executor, *, durable: Callable[[], None], may_run: Callable[[], bool]
    ) -> None:
        self._pool = pool
        self._durable = durable
        self._may_run = may_run
        self._scheduled: list[TaskRun] = []
        self._running: set[TaskRun] = set()
        self._done: queue.SimpleQueue[TaskRun | None] = queue.SimpleQueue()
        self._stopped_by: Exception | None = None
        self._stepping = 0
        self._stepped = threading.Condition()
        self.waited_seconds: dict[str, float] = {}
        """How long each task has waited for the outside world, by the task's name."""

    def execute_task(
        self, task: Any, task_uuid: str, arguments: Any, progress_callback: Any = None
    ) -> Future[Any]:
        """Schedule a task's execution; it starts with the next :meth:`wait`."""
        if isinstance(task, HandlerTask):
            return self._schedule(task, executor.EXECUTED, task.execute_steps())
        return self._schedule(task, executor.EXECUTED, _whole(task.execute, arguments))

    def revert_task(
        self,
        task: Any,
        task_uuid: str,
        arguments: Any,
        result: Any,
        failures: Any,
        progress_callback: Any = None,
    ) -> Future[Any]:
        """Schedule a task's reversion; it starts with the next :meth:`wait`."""
        if isinstance(task, HandlerTask):
            return self._schedule(task, executor.REVERTED, task.revert_steps(result))
        known = {tf_task.REVERT_RESULT: result, tf_task.REVERT_FLOW_FAILURES: failures}
        return self._schedule(task, executor.REVERTED, _whole(task.revert, {**arguments, **known}))

    def wait(self, futures: Futures, timeout: float | None = None) -> tuple[Futures, Futures]:
        """Make durable, let out what is scheduled, and wait for anything to finish.

        Raises what :meth:`interrupt` was given, ClaimLost.
        """
        self._durable()
        self._raise_if_stopped()
        scheduled, self._scheduled = self._scheduled, []
        for run in scheduled:
            self._running.add(run)
            run.start()
        done = {run.future for run in self._finished(timeout)}
        if not done:
            self._raise_if_stopped()
        return done & futures, futures - done

    def interrupt(self, error: Exception) -> None:
        """Make the engine stop: :meth:`wait` raises ``error``, no further step is made."""
        if self._stopped_by is None:
            self._stopped_by = error
        self._done.put(None)

    def stop(self) -> None:
        """The engine has ended: what still waits is let go of.

        Waits for the steps that are under way, for whoever goes on with the group must not meet
        them in the outside world.
        """
        self.interrupt(Suspended("the engine has ended"))
        for run in self._running:
            run.abandon()
        self._running.clear()
        with self._stepped:
            self._stepped.wait_for(lambda: not self._stepping)

    @contextlib.contextmanager
    def step(self) -> Iterator[bool]:
        """Around each step: whether it may be made; if not, the engine is told to stop."""
        with self._stepped:
            self._stepping += 1
        try:
            yield self._may_step()
        finally:
            with self._stepped:
                self._stepping -= 1
                self._stepped.notify_all()

    def finished(self, run: TaskRun) -> None:
        """A task came to its end, from a thread of the pool."""
        self._done.put(run)

    def _may_step(self) -> bool:
        if self._stopped_by is not None:
            return False
        if not self._may_run():
            self.interrupt(ClaimLost("the lease under which this group is claimed has run out"))
            return False
        return True

    def _schedule(self, task: Any, outcome: str, steps: Steps) -> Future[Any]:
        run = TaskRun(self, self._pool, task, outcome, steps)
        self._scheduled.append(run)
        return run.future

    def _finished(self, timeout: float | None) -> Iterator[TaskRun]:
        """Wait for one task to finish, then give all that have; none after an interruption."""
        try:
            run = self._done.get(timeout=timeout)
            while run is not None:
                self._running.discard(run)
                self.waited_seconds[run.name] = run.waited_seconds
                yield run
                run = self._done.get_nowait()
        except queue.Empty:
            return

    def _raise_if_stopped(self) -> None:
        if self._stopped_by is not None:
            raise self._stopped_by


class TaskRun:
    """One execution or reversion of one task, stepped through the pool."""

    def __init__(
        self, owner: StepExecutor, pool: Executor, task: Any, outcome: str, steps: Steps
    ) -> None:
        self.name: str = task.name
        self.waited_seconds = 0.0
        self.future: Future[Any] = Future()
        self.future.atom = task  # type: ignore[attr-defined]  # TaskFlow finds the task by it
        self._owner = owner
        self._pool = pool
        self._outcome = outcome
        self._steps = steps
        self._awaited: Future[Any] | None = None
        self._abandoned = False
        self._waits_since = 0.0

    def start(self) -> None:
        """Make the first step, in a thread of the pool."""
        self._pool.submit(self._step, None)

    def abandon(self) -> None:
        """Nobody waits for the result any more."""
        self._abandoned = True
        if self._awaited is not None:
            self._awaited.cancel()

    def _resume(self, awaited: Future[Any]) -> None:
        self.waited_seconds += time.monotonic() - self._waits_since
        if not self._abandoned:
            self._pool.submit(self._step, awaited)

    def _step(self, awaited: Future[Any] | None) -> None:
        with self._owner.step() as allowed:
            if allowed:
                self._make_step(awaited)

    def _make_step(self, awaited: Future[Any] | None) -> None:
        try:
            self._awaited = self._advance(awaited)
        except StopIteration as end:
            self._end(end.value)
        except Exception:  # noqa: BLE001 - whatever a task raises is its result to TaskFlow
            self._end(failure.Failure())
        except BaseException as error:  # noqa: BLE001 - sys.exit in a plug-in ends its job only
            refused = HandlerError(f"the handler raised {type(error).__name__}, which ends nothing")
            self._end(failure.Failure.from_exception(refused))
        else:
            self._waits_since = time.monotonic()
            self._awaited.add_done_callback(self._resume)
            if self._abandoned:
                self._awaited.cancel()

    def _advance(self, awaited: Future[Any] | None) -> Future[Any]:
        if awaited is None:
            return next(self._steps)
        try:
            answer = awaited.result()
        except Exception as error:  # noqa: BLE001 - raised where the task waits
            return self._steps.throw(error)
        return self._steps.send(answer)

    def _end(self, result: Any) -> None:
        self.future.set_result((self._outcome, result))
        self._owner.finished(self)


def _whole(call: Callable[..., Any], arguments: dict[str, Any]) -> Steps:
    """An ordinary task as a run of one step."""
    yield from ()
    return call(**arguments)
