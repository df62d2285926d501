"""What follows from groups waiting for each other: who never runs, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from esi_flows.planning.types import Change


def reached(group: str, waiters: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every group that waits for this one, or for one that does, the nearest first."""
    seen = dict.fromkeys(waiters.get(group, ()))
    todo = list(seen)
    for name in todo:
        for waiter in waiters.get(name, ()):
            if waiter not in seen:
                seen[waiter] = None
                todo.append(waiter)
    return tuple(seen)


def longest(changes: Sequence[Change]) -> float:
    """The longest time along groups that wait for each other."""
    by_group = {change.group: change for change in changes if change.jobs}
    ends: dict[str, float] = {}
    todo = list(by_group)
    while todo:
        change = by_group[todo[-1]]
        owners = [wait.group for wait in change.waits if wait.group in by_group]
        unknown = [name for name in owners if name not in ends]
        if unknown:
            todo += unknown
            continue
        begins = max((ends[name] for name in owners), default=0.0)
        ends[todo.pop()] = begins + (change.seconds or 0.0)
    return max(ends.values(), default=0.0)
