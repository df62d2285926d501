"""One execution or reversion of one task, stepped through a pool."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Executor, Future
from typing import Any, Protocol

from taskflow import task as tf_task
from taskflow.types import failure, notifier

from esi_flows.model.errors import EsiFlowsError, HandlerError

Steps = Generator["Future[Any]", Any, Any]


class Owner(Protocol):
    """Who lets steps be made."""

    def begin_step(self) -> bool:
        """Before each step: whether it may be made."""

    def end_step(self, ended: TaskRun | None) -> None:
        """After each step, made or not; ``ended`` is the task, if it was its last."""


class TaskEnd:
    """What TaskFlow takes for the future of a task.

    It is looked at only when the task is known to have ended, so it needs none of the locks that
    are most of what a real future costs.
    """

    __slots__ = ("_result", "atom")

    def __init__(self, atom: Any) -> None:
        self.atom = atom
        self._result: Any = None

    def set_result(self, result: Any) -> None:
        """The task has ended: its outcome and result."""
        self._result = result

    def result(self) -> Any:
        """The outcome and result of a task that has ended."""
        return self._result

    def done(self) -> bool:
        """Whether it has ended."""
        return self._result is not None

    def cancel(self) -> bool:
        """A task that was let out is not taken back; see StepExecutor.interrupt."""
        return False


class TaskRun:
    """A task's steps: each runs in a thread of the pool, between them none is held."""

    __slots__ = (
        "_abandoned",
        "_awaited",
        "_lock",
        "_owner",
        "_pool",
        "_steps",
        "_thrown",
        "_waits_since",
        "future",
        "name",
        "outcome",
        "stop_clock",
        "timeout_seconds",
        "waited_seconds",
    )

    def __init__(self, owner: Owner, pool: Executor, task: Any, outcome: str, steps: Steps) -> None:
        self.name: str = task.name
        self.outcome = outcome
        self.timeout_seconds: float = getattr(task, "timeout_seconds", 0.0)
        self.stop_clock: Callable[[], None] = _no_clock
        self.waited_seconds = 0.0
        self.future = TaskEnd(task)
        self._owner = owner
        self._pool = pool
        self._steps = steps
        self._lock = threading.Lock()
        self._awaited: Future[Any] | None = None
        self._thrown: EsiFlowsError | None = None
        self._abandoned = False
        self._waits_since = 0.0

    def start(self) -> None:
        """Make the first step, in a thread of the pool."""
        self._pool.submit(self._step, None)

    def throw(self, error: EsiFlowsError) -> None:
        """Raise ``error`` where the task waits now, or at its next step. From any thread."""
        with self._lock:
            self._thrown = error
            awaited = self._awaited
        if awaited is not None:
            awaited.cancel()

    def abandon(self) -> None:
        """Nobody waits for the result any more. From any thread."""
        with self._lock:
            self._abandoned = True
            awaited = self._awaited
        if awaited is not None:
            awaited.cancel()

    def _resume(self, awaited: Future[Any]) -> None:
        self.waited_seconds += time.monotonic() - self._waits_since
        if not self._abandoned:
            self._pool.submit(self._step, awaited)

    def _step(self, awaited: Future[Any] | None) -> None:
        allowed = self._owner.begin_step()
        waits_for = ended = None
        try:
            if allowed:
                waits_for = self._make_step(awaited)
                ended = self if waits_for is None else None
        finally:
            self._owner.end_step(ended)
        if waits_for is not None:
            self._wait_for(waits_for)

    def _make_step(self, awaited: Future[Any] | None) -> Future[Any] | None:
        """What the task waits for now, None when it has ended."""
        try:
            return _waitable(self._advance(awaited))
        except StopIteration as end:
            result = end.value
        except Exception:  # noqa: BLE001 - whatever a task raises is its result to TaskFlow
            result = failure.Failure()
        except BaseException as error:  # noqa: BLE001 - sys.exit in a plug-in ends its job only
            refused = HandlerError(f"the handler raised {type(error).__name__}, which ends nothing")
            result = failure.Failure.from_exception(refused)
        self.future.set_result((self.outcome, result))
        return None

    def _advance(self, awaited: Future[Any] | None) -> Future[Any]:
        with self._lock:
            thrown, self._thrown = self._thrown, None
            self._awaited = None
        if thrown is not None:
            return self._steps.throw(thrown)
        if awaited is None:
            return next(self._steps)
        try:
            answer = awaited.result()
        except BaseException as error:  # noqa: BLE001 - raised where the task waits
            return self._steps.throw(error)
        return self._steps.send(answer)

    def _wait_for(self, awaited: Future[Any]) -> None:
        self._waits_since = time.monotonic()
        with self._lock:
            self._awaited = awaited
            is_unwanted = self._abandoned or self._thrown is not None
        if is_unwanted:
            awaited.cancel()
        awaited.add_done_callback(self._resume)


def _no_clock() -> None:
    """Of a task that may take any time, or has not begun."""


def _waitable(yielded: Any) -> Future[Any]:
    """What was yielded, if it is a future; else one that says so where the task waits."""
    if isinstance(yielded, Future):
        return yielded
    refused: Future[Any] = Future()
    found = type(yielded).__name__
    refused.set_exception(HandlerError(f"the handler yielded {found}, it must be a future"))
    return refused


def whole(
    task: Any,
    call: Callable[..., Any],
    arguments: Mapping[str, Any],
    progress_callback: Callable[..., None] | None,
) -> Steps:
    """An ordinary TaskFlow task as a run of one step."""
    yield from ()
    reverts = call == task.revert
    with notifier.register_deregister(
        task.notifier, tf_task.EVENT_UPDATE_PROGRESS, callback=progress_callback
    ):
        try:
            (task.pre_revert if reverts else task.pre_execute)()
            return call(**arguments)
        finally:
            (task.post_revert if reverts else task.post_execute)()
