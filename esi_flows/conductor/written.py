"""Our own writes, shown to our own cache at once instead of when the watch brings them."""

from __future__ import annotations

from collections.abc import Sequence

from esi_flows.store.base import Delete, KeyValue, Op, Put
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
