"""Waits for documents in etcd that say that something has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from esi_flows.store.base import Event, Store


class Failed(Exception):
    """Something did not end as it should: what was measured is worth nothing."""


class Ends:
    """Knows what has ended, from a watch that stays open.

    A watch that begins in the past waits a tenth of a second for etcd to catch up with it.
    """

    def __init__(self, store: Store, prefix: str, name_of: Callable[[Event], str]) -> None:
        """``name_of`` gives the name of what an event says has ended, else nothing; or raises
        Failed.
        """
        self._name_of = name_of
        self._watch = store.watch(prefix, start_revision=store.range("/nothing/").revision + 1)
        self._missing: set[str] = set()
        self._failed: Failed | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._follow, name="ends", daemon=True).start()

    def expect(self, names: Iterable[str]) -> None:
        """These are about to begin."""
        with self._changed:
            self._missing.update(names)

    def wait(self) -> None:
        """Return when all that were expected have ended well. Raises Failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._failed is not None or not self._missing)
            if self._failed is not None:
                raise self._failed

    def close(self) -> None:
        """End the watch."""
        self._watch.cancel()

    def _follow(self) -> None:
        for batch in self._watch:
            with self._changed:
                try:
                    self._missing -= {self._name_of(event) for event in batch.events}
                except Failed as error:
                    self._failed = error
                if self._failed or not self._missing:
                    self._changed.notify()
