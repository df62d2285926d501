"""Removes courses that are too old or too many, in small steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from esi_flows.model import keys
from esi_flows.store.base import Compare, Delete, Op, ReadStore, Store, absent

STEP = 50
"""Courses that one transaction removes: others are served between two."""

DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Which courses stay: those that are young and among the newest. 0 sets no such bound."""

    days: float = 30.0
    count: int = 10000


def outdated(store: ReadStore, keep: Keep, now: float) -> list[str]:
    """Keys of the courses that need not stay, the oldest first. Raises StoreUnavailable.

    Reads all courses once. Pinned ones stay, and do not count.
    """
    pinned = {item.key for item in store.range(keys.PINS).items}
    ended = []
    for item in store.range(keys.HISTORY).items:
        parsed = keys.parse_course(item.key)
        if parsed is not None and keys.pin(item.key) not in pinned:
            ended.append((parsed[1], item.key))
    ended.sort()
    too_many = len(ended) - keep.count if keep.count else 0
    oldest = now - keep.days * DAY_SECONDS if keep.days else 0.0
    return [key for place, (at, key) in enumerate(ended) if place < too_many or at < oldest]


def prune(
    store: Store,
    course_keys: Sequence[str],
    *,
    fence: Sequence[Compare] = (),
    pause_seconds: float = 0.0,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """Remove courses that are not pinned meanwhile, a few at a time; how many were removed.

    Ends early where ``fence`` does not hold any more, or ``may_go_on`` says no. Raises StoreError.
    """
    removed = 0
    for start in range(0, len(course_keys), STEP):
        if not may_go_on():
            break
        step = course_keys[start : start + STEP]
        if _remove(store, step, fence):
            removed += len(step)
        else:
            removed += sum(_remove(store, [key], fence) for key in step)
        if pause_seconds:
            time.sleep(pause_seconds)
    return removed


def _remove(store: Store, step: Sequence[str], fence: Sequence[Compare]) -> bool:
    compares = [*fence, *(absent(keys.pin(key)) for key in step)]
    ops: list[Op] = [Delete(key) for key in step]
    return store.txn(compares, ops).succeeded
