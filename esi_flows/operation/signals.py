"""SIGTERM and SIGINT of a service: the first asks it to end in order, the second ends it."""

from __future__ import annotations

import os
import queue
import signal
from types import FrameType, TracebackType
from typing import Self

_MESSAGE = b"ended at once by a second signal: what ran is taken over when the lease has run out\n"


class Signals:
    """In the block, the first signal can be waited for; the second exits with 128 + its number.

    For the main thread.
    """

    _NUMBERS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        # a handler may interrupt whoever holds a lock: putting into a SimpleQueue takes none
        self._reasons: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._before: dict[int, signal._HANDLER] = {}
        self._signalled = False

    def end(self, reason: str) -> None:
        """Ask for the end without a signal, from any thread."""
        self._reasons.put(reason)

    def wait(self, seconds: float | None = None) -> str | None:
        """Wait to be asked for the end; the reason, such as ``SIGTERM``. None: time is over."""
        try:
            return self._reasons.get(timeout=seconds)
        except queue.Empty:
            return None

    def __enter__(self) -> Self:
        for number in self._NUMBERS:
            self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if self._signalled:
            os.write(2, _MESSAGE)
            os._exit(128 + number)
        self._signalled = True
        self._reasons.put(signal.Signals(number).name)
