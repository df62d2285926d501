"""What a store went through: every document that was ever under a key, as a watch told it."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from esi_flows.store.base import Event, Store


class History:
    """Watches the whole store from now on. Removed: None."""

    def __init__(self, store: Store) -> None:
        self._documents: defaultdict[str, list[Any]] = defaultdict(list)
        self._changed = threading.Condition()
        revision = store.range("/").revision
        self._watch = store.watch("/", start_revision=revision + 1)
        self._thread = threading.Thread(target=self._follow, name="history", daemon=True)
        self._thread.start()

    def of(self, key: str) -> list[Any]:
        """Every document of a key, in order."""
        with self._changed:
            return list(self._documents.get(key, ()))

    def last(self, key: str) -> Any:
        """The document of a key now."""
        return next(reversed(self.of(key)), None)

    def below(self, *roots: str) -> dict[str, list[Any]]:
        """Every document of the keys with such beginnings."""
        with self._changed:
            return {
                key: list(found) for key, found in self._documents.items() if key.startswith(roots)
            }

    def now(self) -> dict[str, Any]:
        """All documents that are there now."""
        with self._changed:
            return {k: found[-1] for k, found in self._documents.items() if found[-1] is not None}

    def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, asking after each change; whether it does."""
        with self._changed:
            return self._changed.wait_for(holds, seconds)

    def close(self) -> None:
        self._watch.cancel()
        self._thread.join()

    def _follow(self) -> None:
        for batch in self._watch:
            self._take(batch.events)

    def _take(self, events: Sequence[Event]) -> None:
        with self._changed:
            for event in events:
                document = None if event.value is None else json.loads(event.value or b"null")
                self._documents[event.key].append(document)
            self._changed.notify_all()
