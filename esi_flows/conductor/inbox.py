"""The keys to look at again: what the watch tells the conductor's one deciding thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable


class Inbox:
    """A set of keys, filled from any thread, emptied by one."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self._changed = threading.Condition()
        self._woken = False
        self._taken_at = 0.0

    def __len__(self) -> int:
        """How many keys wait."""
        with self._changed:
            return len(self._keys)

    @property
    def busy_seconds(self) -> float:
        """How long ago keys were taken; 0 while somebody waits to take some."""
        with self._changed:
            return time.monotonic() - self._taken_at if self._taken_at else 0.0

    def add(self, changed: Iterable[str]) -> None:
        """Look at these keys."""
        with self._changed:
            self._keys.update(dict.fromkeys(changed))
            self._woken = True
            self._changed.notify()

    def wake(self) -> None:
        """Something else than a key has changed."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def take(self, timeout: float | None = None) -> list[str]:
        """Wait until there is something to do; all keys so far, in the order they came."""
        with self._changed:
            self._taken_at = 0.0
            self._changed.wait_for(lambda: self._woken, timeout)
            self._taken_at = time.monotonic()
            self._woken = False
            taken, self._keys = list(self._keys), {}
            return taken
