"""The groups that this conductor runs now."""

from __future__ import annotations

import threading
from collections.abc import Callable

from esi_flows.conductor.runner import Runner
from esi_flows.model.errors import EsiFlowsError
from esi_flows.model.steering import Order


class Running:
    """Who runs, and how many may. Thread-safe."""

    def __init__(self, *, groups: int, on_end: Callable[[Runner], None]) -> None:
        """``on_end`` is told of every group that runs no more, from any thread."""
        self._limit = groups
        self._on_end = on_end
        self._runners: dict[str, Runner] = {}
        self._changed = threading.Condition()
        self.claims_lost = 0
        """How many of those that have ended did so without their claim."""

    def __contains__(self, group: str) -> bool:
        with self._changed:
            return group in self._runners

    def __len__(self) -> int:
        with self._changed:
            return len(self._runners)

    @property
    def free(self) -> int:
        """How many more groups may run."""
        with self._changed:
            return max(self._limit - len(self._runners), 0)

    def start(self, runner: Runner) -> None:
        """Run a group; it must not be running yet."""
        with self._changed:
            self._runners[runner.record.name] = runner
        runner.start(self._ended)

    def suspend(self, reason: EsiFlowsError) -> None:
        """Stop everything at its next safe point."""
        with self._changed:
            runners = tuple(self._runners.values())
        for runner in runners:
            runner.suspend(reason)

    def steer(self, group: str, order: Order) -> None:
        """Do what somebody wants of a group, if it runs here."""
        with self._changed:
            runner = self._runners.get(group)
        if runner is not None:
            runner.steer(order)

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs; whether that is so now."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._runners, timeout)

    def _ended(self, runner: Runner) -> None:
        with self._changed:
            self.claims_lost += not runner.is_settled
            # a group that was given back may already run again, here
            if self._runners.get(runner.record.name) is runner:
                del self._runners[runner.record.name]
            self._changed.notify_all()
        self._on_end(runner)
