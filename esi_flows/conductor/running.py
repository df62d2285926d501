"""The groups that this conductor runs now, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from esi_flows.conductor.runner import Runner
from esi_flows.model.errors import EsiFlowsError

LOG = logging.getLogger(__name__)


class Running:
    """Bounded threads for groups, and the threads for steps that all groups share. Thread-safe."""

    def __init__(self, *, groups: int, steps: int, on_end: Callable[[Runner], None]) -> None:
        """``on_end`` is called in the thread of a group that runs no more."""
        self.steps_pool = ThreadPoolExecutor(steps, "step")
        self._limit = groups
        self._groups_pool = ThreadPoolExecutor(groups, "group")
        self._on_end = on_end
        self._runners: dict[str, Runner] = {}
        self._changed = threading.Condition()

    def __contains__(self, group: str) -> bool:
        with self._changed:
            return group in self._runners

    def is_full(self) -> bool:
        """Whether another group would have to wait for a thread."""
        with self._changed:
            return len(self._runners) >= self._limit

    def start(self, runner: Runner) -> None:
        """Run a group; it must not be running yet."""
        with self._changed:
            self._runners[runner.record.name] = runner
        self._groups_pool.submit(self._run, runner)

    def suspend(self, reason: EsiFlowsError) -> None:
        """Stop everything at its next safe point."""
        with self._changed:
            for runner in self._runners.values():
                runner.suspend(reason)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing runs; whether that is so now."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._runners, timeout)

    def close(self, reason: EsiFlowsError) -> None:
        """Stop everything and wait for it."""
        self.suspend(reason)
        self._groups_pool.shutdown(wait=True)
        self.steps_pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, runner: Runner) -> None:
        try:
            runner()
        except Exception:
            LOG.exception("group not ended, a defect", extra={"group": runner.record.name})
        with self._changed:
            # a group that was given back may already run again, here
            if self._runners.get(runner.record.name) is runner:
                del self._runners[runner.record.name]
            self._changed.notify_all()
        self._on_end(runner)
