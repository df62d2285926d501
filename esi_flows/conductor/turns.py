"""Whose turn it is: which of the groups that may run is claimed next."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Needs(NamedTuple):
    """What a group takes: a turn of its project, and room with each of its handlers."""

    project: str = ""
    handlers: frozenset[str] = frozenset()
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many groups of one project, and with jobs of one handler, one conductor runs (0: any)."""

    project: int = 0
    handlers: Mapping[str, int] = field(default_factory=dict)


_Lane = OrderedDict[str, dict[frozenset[str], dict[str, float]]]


class Turns:
    """Groups that may run, and how many of each kind do. No I/O. Not thread-safe.

    Higher priority goes first; among equals projects take turns, so that one with a thousand groups
    does not keep another waiting; within a project the oldest goes first. What a limit or a
    missing handler holds back holds up nobody else. A turn takes time of how many projects wait,
    not of how many groups.
    """

    def __init__(
        self,
        needs: Callable[[str], Needs] = lambda name: Needs(),
        *,
        limits: Limits | None = None,
        handlers: Collection[str] | None = None,
    ) -> None:
        """``handlers`` are those that are installed here (None: any)."""
        self._of = needs
        self._limits = limits or Limits()
        self._installed = None if handlers is None else frozenset(handlers)
        self._waiting: dict[str, tuple[float, Needs]] = {}
        self._lanes: dict[int, _Lane] = {}
        self._taken: dict[str, Needs] = {}
        self._projects: Counter[str] = Counter()
        self._handlers: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def waiting(self) -> list[str]:
        """Groups whose turn has not come, the longest waiting first."""
        return list(self._waiting)

    @property
    def since(self) -> float | None:
        """Since when the one that waits longest does so."""
        return next((since for since, _ in self._waiting.values()), None)

    def add(self, name: str, since: float) -> None:
        """A group may run; nothing if it waits already."""
        if name in self._waiting:
            return
        needs = self._of(name)
        self._waiting[name] = since, needs
        lane = self._lanes.setdefault(needs.priority, OrderedDict())
        lane.setdefault(needs.project, {}).setdefault(needs.handlers, {})[name] = since

    def remove(self, name: str) -> None:
        """A group may not run, for now or for ever."""
        if name not in self._waiting:
            return
        _, needs = self._waiting.pop(name)
        lane = self._lanes[needs.priority]
        alike = lane[needs.project][needs.handlers]
        del alike[name]
        if not alike:
            del lane[needs.project][needs.handlers]
        if not lane[needs.project]:
            del lane[needs.project]
        if not lane:
            del self._lanes[needs.priority]

    def take(self, most: int) -> list[str]:
        """Whose turn it is, at most so many; each is counted as running until :meth:`over`."""
        taken: list[str] = []
        for priority in sorted(self._lanes, reverse=True):
            passed = -1
            while passed != len(taken) < most and priority in self._lanes:
                passed = len(taken)
                self._pass(priority, taken, most)
        return taken

    def over(self, name: str) -> None:
        """A group that was taken runs no more, or never did."""
        needs = self._taken.pop(name, None)
        if needs is not None:
            self._projects[needs.project] -= 1
            self._handlers.subtract(needs.handlers)

    def _pass(self, priority: int, taken: list[str], most: int) -> None:
        """One turn for each project that has a group which may have it."""
        lane = self._lanes[priority]
        for project in list(lane):
            if len(taken) == most:
                return
            name = self._next(project, lane[project])
            if name is None:
                continue
            taken.append(name)
            self._count(name)
            self.remove(name)
            if project in lane:
                lane.move_to_end(project)

    def _next(self, project: str, groups: Mapping[frozenset[str], dict[str, float]]) -> str | None:
        if 0 < self._limits.project <= self._projects[project]:
            return None
        first = [
            next(iter(alike.items()))
            for handlers, alike in groups.items()
            if self._has_room(handlers)
        ]
        return min(first, key=lambda item: item[1])[0] if first else None

    def _has_room(self, handlers: frozenset[str]) -> bool:
        if self._installed is not None and not handlers <= self._installed:
            return False
        limits = self._limits.handlers
        return all(not 0 < limits.get(h, 0) <= self._handlers[h] for h in handlers)

    def _count(self, name: str) -> None:
        _, needs = self._waiting[name]
        self._taken[name] = needs
        self._projects[needs.project] += 1
        self._handlers.update(needs.handlers)
