"""What is known to be stored, shown to the cache at once instead of when the watch brings it."""

from __future__ import annotations

from collections.abc import Sequence

from esi_flows.store.base import Delete, KeyValue, Op, Put, ReadStore
from esi_flows.store.reflector import Reflector


def observe(cache: Reflector, ops: Sequence[Op], revision: int) -> None:
    """Tell the cache what a transaction of ours wrote at ``revision``.

    The create revision of a key that was there before is not known here; nothing that is kept in
    the cache is fenced by it.
    """
    cache.observe(
        [
            KeyValue(op.key, op.value, create_revision=revision, mod_revision=revision)
            for op in ops
            if isinstance(op, Put)
        ],
        [op.key for op in ops if isinstance(op, Delete)],
        revision,
    )


def catch_up(store: ReadStore, cache: Reflector, prefixes: Sequence[str]) -> None:
    """Show the cache what is stored now, however far its watches are. Raises StoreUnavailable."""
    for prefix in prefixes:
        listing = store.range(prefix)
        stored = {item.key for item in listing.items}
        gone = [item.key for item in cache.items(prefix) if item.key not in stored]
        cache.observe(listing.items, gone, listing.revision)
