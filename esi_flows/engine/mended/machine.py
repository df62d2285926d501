"""The states an engine goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any, Protocol

from automaton import runners
from taskflow import states, task
from taskflow.engines.action_engine import builder
from taskflow.types import failure


class TaskFuture(Protocol):
    """What an executor gives for a scheduled task: a future that knows its task."""

    atom: task.Task

    def result(self) -> Any:
        """The outcome and result, once there; raises CancelledError for a cancelled one."""

    def cancel(self) -> bool:
        """Take it back, if it has not begun."""


Futures = set[TaskFuture]
Waiter = Callable[..., tuple[Futures, Futures]]


class StockMachine:
    """TaskFlow's own state machine, for flows that the mended classes do not fit."""

    def __init__(self, runtime: Any, timeout: float | None) -> None:
        self._machine, self._memory = runtime.builder.build(
            {}, timeout=timeout, gather_statistics=False
        )

    @property
    def failures(self) -> list[failure.Failure]:
        """Why the flow has failed, if it has."""
        found: list[failure.Failure] = self._memory.failures
        return found

    def run(self) -> Iterator[str]:
        """The states, each before what happens in it."""
        for _, state in runners.FiniteRunner(self._machine).run_iter(builder.START):
            if state not in builder.META_STATES:
                yield str(state)


class FlatMachine:
    """The same states in the same order, as a loop.

    Stock TaskFlow builds a state machine for every run, out of closures, and looks up and checks
    each transition.

    It also takes an exception in what happens between the tasks for a failure of the flow; here
    such an exception is raised as it is, and the flow can go on later.
    """

    def __init__(self, runtime: Any, timeout: float | None) -> None:
        self._storage = runtime.storage
        self._selector = runtime.selector
        self._scheduler = runtime.scheduler
        self._completer = runtime.completer
        self._is_success: Callable[[], bool] = runtime.is_success
        self._waiter: Waiter = runtime.waiter
        self._timeout = timeout if timeout is not None else builder.WAITING_TIMEOUT
        self._next: dict[task.Task, None] = {}
        self._running: Futures = set()
        self._done: Futures = set()
        self.failures: list[failure.Failure] = []
        """Why the flow has failed, if it has."""

    def run(self) -> Iterator[str]:
        """The states, each before what happens in it."""
        yield states.RESUMING
        self._next = dict.fromkeys(self._completer.resume())
        self._next.update(dict.fromkeys(self._selector.ready()))
        event = builder.SCHEDULE
        while event != builder.FINISH:
            if event == builder.SCHEDULE:
                yield states.SCHEDULING
                self._schedule()
            yield states.WAITING
            self._wait()
            yield states.ANALYZING
            event = self._analyze()
        yield self._end()

    def _schedule(self) -> None:
        flow_state = self._storage.get_flow_state()
        if flow_state == states.RUNNING and self._next:
            chosen = sorted(self._next, key=_priority, reverse=True)
            self._next.clear()
            with self._storage.lock.write_lock():
                futures, failures = self._scheduler.schedule(chosen)
            self._running |= futures
            self.failures += failures
        elif flow_state == states.SUSPENDING:
            self._cancel()

    def _wait(self) -> None:
        if self._running:
            done, self._running = self._waiter(self._running, timeout=self._timeout)
            self._done |= done

    def _analyze(self) -> str:
        chosen: dict[task.Task, None] = {}
        with self._storage.lock.write_lock():
            while self._done:
                future = self._done.pop()
                if self._complete(future) and not self.failures:
                    chosen.update(dict.fromkeys(self._selector.ready(future.atom)))
        flow_state = self._storage.get_flow_state()
        if flow_state == states.RUNNING and chosen and not self.failures:
            self._next.update(chosen)
            return str(builder.SCHEDULE)
        if self._running and flow_state == states.SUSPENDING:
            self._cancel()
        return str(builder.WAIT if self._running else builder.FINISH)

    def _complete(self, future: TaskFuture) -> bool:
        """Take a task's result; False for one that was cancelled before it began."""
        try:
            outcome, result = future.result()
        except CancelledError:
            return False
        atom = future.atom
        self._completer.complete(atom, outcome, result)
        if isinstance(result, failure.Failure) and self._completer.complete_failure(
            atom, outcome, result
        ):
            self.failures.append(result)
        return True

    def _cancel(self) -> None:
        for future in self._running:
            future.cancel()

    def _end(self) -> str:
        if self.failures:
            return str(states.FAILURE)
        if next(self._selector.ready(), None) is not None:
            return str(states.SUSPENDED)
        return str(states.SUCCESS if self._is_success() else states.REVERTED)


def _priority(atom: task.Task) -> float:
    return getattr(atom, "priority", 0)
