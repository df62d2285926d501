"""An engine that has a thread of its own, for tests of what the executor does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor

from esi_flows.engine.executor import Ends, StepExecutor


class BlockingExecutor(StepExecutor):
    """For an engine that has a thread of its own: its :meth:`wait` waits.

    ``durable`` is called before anything is let out and before every wait.
    """

    def __init__(
        self, pool: Executor, *, durable: Callable[[], None], may_run: Callable[[], bool]
    ) -> None:
        self._event = threading.Event()
        self._durable = durable
        super().__init__(pool, may_run=may_run, notify=self._event.set)

    def wait(self, futures: Ends, timeout: float | None = None) -> tuple[Ends, Ends]:
        """Make durable, let out what is scheduled, and wait until a task ends, or the time does."""
        self._durable()
        self.release()
        while not self.has_ended and self.stopped_by is None:
            if not self._event.wait(timeout):
                break
            self._event.clear()
        return super().wait(futures)

    def stop(self) -> None:
        """Also waits for the steps that are under way."""
        super().stop()
        while not self.is_quiet:
            self._event.wait()
            self._event.clear()
