"""Every request the cloud has seen, for tests that count calls."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 100_000


@dataclass(slots=True)
class Entry:
    """One request. ``status`` is 0 until it was answered, and stays so where it never was."""

    number: int
    time: float
    method: str
    path: str
    query: str
    stack: str = ""
    status: int = 0


class Journal:
    """The latest requests, in order. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0

    def begin(self, *, time: float, method: str, path: str, query: str) -> Entry:
        """Note a request; its answer is added to the entry later."""
        with self._lock:
            self._number += 1
            entry = Entry(self._number, time, method, path, query, _stack_of(path))
            self._entries.append(entry)
        return entry

    def entries(self, *, method: str = "", contains: str = "", stack: str = "") -> list[Entry]:
        """Requests with that method, path fragment and stack (empty: any)."""
        with self._lock:
            every = list(self._entries)
        return [
            entry
            for entry in every
            if method in ("", entry.method)
            and contains in entry.path
            and stack in ("", entry.stack)
        ]

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as JSON."""
    return asdict(entry)


def _stack_of(path: str) -> str:
    # a creation has its name in the body: the service adds it
    name = path.partition("/stacks/")[2].partition("/")[0]
    return "" if name in ("preview", "detail") else name
