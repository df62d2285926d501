"""Watches all stacks in flight: one list call per project and tick, whatever their number."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from esi_flows.handlers.heat.client import Clouds, HeatUnavailable, Stack
from esi_flows.model.errors import HandlerError, HandlerTimeout

LOG = logging.getLogger(__name__)

STALE_SECONDS = 2.0
"""For how long after a call an unchanged stack is taken for old news. Its ``updated_time`` cannot
always tell: it counts whole seconds, and two updates may fall into one."""

_SLOWER = 1.5

_ASKED_AT_ONCE = 32
"""Of how many projects lists may be under way. Only one that hangs holds a thread for long."""


@dataclass(eq=False, slots=True)
class _Watched:
    """One stack somebody waits for. ``before`` is what it looked like when the action began."""

    name: str
    before: Stack | None
    deleting: bool
    deadline: float
    future: Future[Stack | None] = field(default_factory=Future)
    believe_at: float = field(default_factory=lambda: time.monotonic() + STALE_SECONDS)

    def settles(self, seen: Stack | None, asked_at: float) -> bool:
        """Whether what Heat told, asked at that time, is the end of the action."""
        if seen is None:
            return True
        if seen.in_progress:
            self.before = None  # Heat is at it: what comes next is new
            return False
        if self.deleting and (not seen.deleting or seen.complete):
            return False
        if self.before is None or asked_at >= self.believe_at:
            return True
        return (seen.status, seen.updated_at) != (self.before.status, self.before.updated_at)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What Heat told of the stacks of a project: neither where it did not answer."""

    asked_at: float
    stacks: Mapping[str, Stack] | None = None
    refused: HandlerError | None = None


@dataclass(slots=True)
class _Project:
    interval: float
    due: float
    asking: bool = False
    watched: list[_Watched] = field(default_factory=list)

    def is_due(self, now: float) -> bool:
        """Whether it is to be asked now."""
        return not self.asking and self.due <= now


class StackPoller:
    """A thread that has stacks listed as often as something is expected of them.

    The calls are made in threads of their own: a project whose list hangs delays no other.
    """

    def __init__(self, clouds: Clouds, *, min_seconds: float, max_seconds: float) -> None:
        """The time between two looks starts at ``min_seconds`` and grows to ``max_seconds``."""
        self._clouds = clouds
        self._min = min_seconds
        self._max = max_seconds
        self._projects: dict[str, _Project] = {}
        self._timers: list[tuple[float, Future[None]]] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._askers = ThreadPoolExecutor(_ASKED_AT_ONCE, thread_name_prefix="stack-list")
        self._thread = threading.Thread(target=self._run, name="stack-poller", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; futures still open stay open."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        self._askers.shutdown(cancel_futures=True)

    def settled(
        self,
        project_id: str,
        name: str,
        *,
        deadline: float,
        before: Stack | None = None,
        deleting: bool = False,
    ) -> Future[Stack | None]:
        """The stack once Heat is done with it, None once it is gone.

        ``deadline`` is on the monotonic clock; after it the future raises HandlerTimeout.
        """
        watched = _Watched(name, before, deleting, deadline)
        with self._changed:
            project = self._projects.setdefault(project_id, _Project(self._min, 0.0))
            project.watched.append(watched)
            project.interval = self._min
            project.due = min(project.due, time.monotonic() + self._min)
            self._changed.notify()
        return watched.future

    def later(self, seconds: float) -> Future[None]:
        """A future that is done after some seconds."""
        future: Future[None] = Future()
        with self._changed:
            self._timers.append((time.monotonic() + seconds, future))
            self._changed.notify()
        return future

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (pause := self._pause()) > 0:
                    self._changed.wait(None if pause == float("inf") else pause)
                if self._stopping:
                    return
                now = time.monotonic()
                due = {key: each for key, each in self._projects.items() if each.is_due(now)}
                for project in due.values():
                    project.asking = True
            self._ring(now)
            for project_id in due:
                self._askers.submit(self._look, project_id).add_done_callback(_report)

    def _pause(self) -> float:
        now = time.monotonic()
        dues = [project.due for project in self._projects.values() if not project.asking]
        dues += [at for at, _ in self._timers]
        return min(dues, default=float("inf")) - now

    def _ring(self, now: float) -> None:
        with self._changed:
            rung = [future for at, future in self._timers if at <= now]
            self._timers = [(at, future) for at, future in self._timers if at > now]
        for future in rung:
            _resolve(future, None)

    def _look(self, project_id: str) -> None:
        with self._changed:
            # whoever comes after the list was asked for may not be judged by it
            watched = list(self._projects[project_id].watched)
        answer = self._ask(project_id, {each.name for each in watched})
        done = [w for w in watched if _judge(w, answer)]
        self._keep(project_id, done, others=len(watched) - len(done))

    def _ask(self, project_id: str, names: set[str]) -> _Answer:
        asked_at = time.monotonic()
        try:
            stacks = {s.name: s for s in self._clouds.project(project_id).stacks(names)}
        except HeatUnavailable as error:
            LOG.warning("stacks not listed", extra={"project": project_id, "error": str(error)})
            return _Answer(asked_at)
        except HandlerError as error:
            return _Answer(asked_at, refused=error)
        except Exception as error:
            # of a library, and not foreseen: those who wait must hear of it, the others go on
            LOG.exception("stacks not listed, a defect", extra={"project": project_id})
            text = f"stacks not listed: {type(error).__name__}: {error}"
            return _Answer(asked_at, refused=HandlerError(text))
        return _Answer(asked_at, stacks)

    def _keep(self, project_id: str, done: list[_Watched], *, others: int) -> None:
        """Wait for the ``others``, and for whoever has come since."""
        with self._changed:
            project = self._projects[project_id]
            project.asking = False
            project.watched = [w for w in project.watched if w not in done]
            if not project.watched:
                del self._projects[project_id]
                return
            slower = min(project.interval * _SLOWER, self._max)
            anew = bool(done) or len(project.watched) > others
            project.interval = self._min if anew else slower
            project.due = time.monotonic() + project.interval
            self._changed.notify()


def _judge(watched: _Watched, answer: _Answer) -> bool:
    """Tell who waits for a stack what came of it; whether the waiting is over."""
    if watched.future.cancelled():
        return True
    if answer.refused is not None:
        _fail(watched.future, answer.refused)
        return True
    last = "not known"
    if answer.stacks is not None:
        seen = answer.stacks.get(watched.name)
        if watched.settles(seen, answer.asked_at):
            _resolve(watched.future, seen)
            return True
        last = seen.status if seen is not None else "gone"
    if time.monotonic() < watched.deadline:
        return False
    text = f"stack {watched.name} was not done in time; its status is {last}"
    _fail(watched.future, HandlerTimeout(text))
    return True


def _report(looked: Future[None]) -> None:
    if not looked.cancelled() and (error := looked.exception()) is not None:
        LOG.error("a look at stacks ended early, a defect", exc_info=error)


def _resolve(future: Future[Any], value: Any) -> None:
    try:
        future.set_result(value)
    except InvalidStateError:
        LOG.debug("nobody waits any more")


def _fail(future: Future[Any], error: Exception) -> None:
    try:
        future.set_exception(error)
    except InvalidStateError:
        LOG.debug("nobody waits any more")
