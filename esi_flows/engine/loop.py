"""The thread in which all flows of a process are stepped."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

LOG = logging.getLogger(__name__)

_LONGEST_PAUSE = 3600.0
_FEW = 100


class Timer:
    """A call that is to be made in a while; see :meth:`FlowLoop.after`."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], None]) -> None:
        self.function: Callable[[], None] | None = function


class FlowLoop:
    """Calls what it is given, one after the other, in one thread.

    What runs in it must not block: waiting is what the committer's thread and the handlers' pool
    are for, and both come back through :meth:`call`.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]] | None]
        self._calls = queue.SimpleQueue()
        self._timers: list[tuple[float, int, Timer]] = []
        self._forgotten = 0
        self._numbers = itertools.count()
        self._busy_since = 0.0
        self._thread = threading.Thread(target=self._run, name="flows", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Do what was asked for so far, then end; timers still set are forgotten."""
        self._calls.put(None)
        self._thread.join()

    @property
    def busy_seconds(self) -> float:
        """How long the call that is being made takes already; 0: none, infinite: it has ended."""
        if not self._thread.is_alive():
            return math.inf
        since = self._busy_since
        return time.monotonic() - since if since else 0.0

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have ``function`` called soon, from any thread."""
        self._calls.put((function, arguments))

    def after(self, seconds: float, function: Callable[[], None]) -> Timer:
        """Have ``function`` called in a while; only from the loop's own thread."""
        timer = Timer(function)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def forget(self, timer: Timer) -> None:
        """Have it not called, and let go of what it holds; only from the loop's own thread."""
        if timer.function is None:
            return
        timer.function = None
        self._forgotten += 1
        if self._forgotten > max(_FEW, len(self._timers) // 2):
            # in place: _ring may be looking at it
            self._timers[:] = [entry for entry in self._timers if entry[2].function is not None]
            heapq.heapify(self._timers)
            self._forgotten = 0

    def _run(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=self._pause())
            except queue.Empty:
                self._busy_since = time.monotonic()
                self._ring()
                self._busy_since = 0.0
                continue
            if call is None:
                return
            function, arguments = call
            self._busy_since = time.monotonic()
            try:
                function(*arguments)
            except Exception:
                LOG.exception("a flow's step failed, a defect")
            if self._timers:
                self._ring()
            self._busy_since = 0.0

    def _pause(self) -> float | None:
        if not self._timers:
            return None
        # a longer time than a thread can wait ends the thread
        return min(max(self._timers[0][0] - time.monotonic(), 0.0), _LONGEST_PAUSE)

    def _ring(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, timer = heapq.heappop(self._timers)
            function, timer.function = timer.function, None
            if function is None:
                self._forgotten -= 1
                continue
            try:
                function()
            except Exception:
                LOG.exception("a flow's timer failed, a defect")
