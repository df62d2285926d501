"""The store at one revision, in memory; nothing that can be reached through it can write."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from esi_flows.model import keys
from esi_flows.store.base import KeyValue, Range, ReadStore, Watch

PREFIXES = (
    keys.CONFIG,
    keys.MEMO,
    keys.STATE,
    keys.JOBS,
    keys.GROUPS,
    keys.QUARANTINE,
    keys.HEAT_STACKS,
    keys.STACKS,
)
"""All that a plan may rest on."""


class Snapshot:
    """A :class:`ReadStore` whose answers never change."""

    def __init__(self, items: Iterable[KeyValue], revision: int) -> None:
        self._items = {item.key: item for item in sorted(items, key=lambda item: item.key)}
        self._keys = list(self._items)
        self.revision = revision

    @classmethod
    def take(cls, store: ReadStore) -> Snapshot:
        """Everything below the prefixes, read at one revision. Raises StoreError."""
        first, *others = PREFIXES
        listing = store.range(first)
        items = list(listing.items)
        for prefix in others:
            items += store.range(prefix, revision=listing.revision).items
        return cls(items, listing.revision)

    def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        """The key, or None; there is but one revision."""
        return self._items.get(key)

    def range(self, prefix: str, *, revision: int = 0) -> Range:
        """Every key that starts with ``prefix``; there is but one revision."""
        found = []
        for position in range(bisect_left(self._keys, prefix), len(self._keys)):
            if not self._keys[position].startswith(prefix):
                break
            found.append(self._items[self._keys[position]])
        return Range(tuple(found), self.revision)

    def watch(self, prefix: str, *, start_revision: int) -> Watch:
        """Nothing ever happens here: there is nothing to watch."""
        raise NotImplementedError("a snapshot does not change")

    def modified(self, key: str) -> int:
        """The revision at which the key was last written, 0 where it does not exist."""
        found = self._items.get(key)
        return found.mod_revision if found is not None else 0
