"""Waiting for the ends of groups, by a watch."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord
from esi_flows.store.base import Store
from tests.crash.shapes import Group


class Ends:
    """Watches the records of groups until all have ended."""

    def __init__(self, store: Store, groups: Sequence[Group]) -> None:
        self._left = {keys.group(group.name) for group in groups}
        listing = store.range(keys.GROUPS)
        for item in listing.items:
            self._look_at(item.key, item.value)
        self._watch = store.watch(keys.GROUPS, start_revision=listing.revision + 1)

    def wait(self, seconds: float = 30) -> bool:
        """Wait until all have ended, or :meth:`cancel`; whether they have."""
        timer = threading.Timer(seconds, self._watch.cancel)
        timer.start()
        try:
            if self._left:
                for batch in self._watch:
                    for event in batch.events:
                        self._look_at(event.key, event.value)
                    if not self._left:
                        break
        finally:
            timer.cancel()
            self._watch.cancel()
        return not self._left

    def cancel(self) -> None:
        """End the wait, from any thread."""
        self._watch.cancel()

    def _look_at(self, key: str, value: bytes | None) -> None:
        if key in self._left and value is not None and GroupRecord.decode(key, value).state.ended:
            self._left.discard(key)
