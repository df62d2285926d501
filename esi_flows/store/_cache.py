"""What a reflector knows: the newest state of every key, ordered by revision, not by arrival.

The law: of two pieces of news about a key the one with the higher revision wins, whichever came
first and from wherever - a list, a watch, or a write of our own.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from esi_flows.store.base import Event, KeyValue


class Cache:
    """Keys of several prefixes, in order. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: dict[str, KeyValue] = {}
        self._sorted: list[str] = []
        # keys known to be gone, and since when: older news must not bring them back
        self._removed: dict[str, int] = {}

    def get(self, key: str) -> KeyValue | None:
        """The key, or None."""
        with self._lock:
            return self._items.get(key)

    def items(self, prefix: str) -> list[KeyValue]:
        """Every key that starts with ``prefix``, in order."""
        with self._lock:
            return [self._items[key] for key in self._below(prefix)]

    def replace(self, prefix: str, items: Iterable[KeyValue], revision: int) -> list[str]:
        """Take over a list read at ``revision``; the keys that are different now."""
        with self._lock:
            listed = {item.key: item for item in items}
            gone = [key for key in self._below(prefix) if key not in listed]
            changed = [key for key in gone if self._remove(key, revision)]
            changed += [key for key, item in listed.items() if self._put(item)]
            self._forget(prefix, revision)
            return changed

    def clear(self, prefix: str) -> list[str]:
        """Forget everything below ``prefix``; the keys that were there."""
        with self._lock:
            keys = self._below(prefix)
            for key in keys:
                del self._items[key]
            gone = set(keys)
            self._sorted = [key for key in self._sorted if key not in gone]
            self._removed = {k: r for k, r in self._removed.items() if not k.startswith(prefix)}
            return keys

    def apply(self, prefix: str, events: Iterable[Event], revision: int) -> list[str]:
        """Take over what a watch of ``prefix`` saw up to ``revision``; the keys changed."""
        with self._lock:
            changed = [event.key for event in events if self._event(event)]
            self._forget(prefix, revision)
            return changed

    def observe(
        self, items: Sequence[KeyValue], removed: Sequence[str], revision: int
    ) -> list[str]:
        """Take over a write of our own made at ``revision``; the keys changed."""
        with self._lock:
            changed = [key for key in removed if self._remove(key, revision)]
            return changed + [item.key for item in items if self._put(item)]

    def _event(self, event: Event) -> bool:
        if event.value is None:
            return self._remove(event.key, event.mod_revision)
        return self._put(
            KeyValue(event.key, event.value, event.create_revision, event.mod_revision, event.lease)
        )

    def _put(self, item: KeyValue) -> bool:
        known = self._items.get(item.key)
        newest = known.mod_revision if known else self._removed.get(item.key, 0)
        if item.mod_revision < newest or item == known:
            return False
        self._removed.pop(item.key, None)
        if known is None:
            insort(self._sorted, item.key)
        self._items[item.key] = item
        return True

    def _remove(self, key: str, revision: int) -> bool:
        known = self._items.get(key)
        if known is not None and known.mod_revision > revision:
            return False
        self._removed[key] = max(revision, self._removed.get(key, 0))
        if known is None:
            return False
        del self._items[key]
        del self._sorted[bisect_left(self._sorted, key)]
        return True

    def _below(self, prefix: str) -> list[str]:
        start = bisect_left(self._sorted, prefix)
        end = bisect_left(self._sorted, prefix[:-1] + chr(ord(prefix[-1]) + 1), lo=start)
        return self._sorted[start:end]

    def _forget(self, prefix: str, revision: int) -> None:
        """Drop what was remembered of removed keys that no older news can speak of any more."""
        if self._removed:
            self._removed = {
                key: since
                for key, since in self._removed.items()
                if since > revision or not key.startswith(prefix)
            }
