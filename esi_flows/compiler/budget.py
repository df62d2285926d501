"""What one rendering may cost, counted in steps and not in time: the same input, the same end."""

from __future__ import annotations

from typing import Any

MAX_STEPS = 1_000_000
"""Steps of one rendering; a step is about one node of the template evaluated once."""

MAX_BUILT = 100_000
"""Size of one value that a template puts together itself."""

_TEXT_PER_STEP = 64


class CostsTooMuch(ValueError):
    """A template does more, or makes more, than any honest one."""


def size_of(value: Any, limit: int = MAX_STEPS) -> int:
    """How big a value is: its texts in characters, everything else one each.

    Raises CostsTooMuch as soon as it is more than ``limit``; what occurs twice counts twice, as it
    would when written out.
    """
    size, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)
        elif isinstance(item, range):
            size += len(item)
        size += 1
        if size + len(pending) > limit:
            raise CostsTooMuch(f"a value is bigger than {limit}")
    return size


class Budget:
    """Counts the steps of one rendering."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Take steps off. Raises CostsTooMuch when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise CostsTooMuch(
                f"it takes more than {MAX_STEPS} steps; loop over less, or do less in the loop"
            )

    def look_at(self, value: Any) -> Any:
        """Pay for an operation on a whole value; the value itself."""
        if isinstance(value, str):
            self.spend(1 + len(value) // _TEXT_PER_STEP)
        elif isinstance(value, dict | list | tuple | range):
            self.spend(_size_within(value, self._left))
        return value


def _size_within(value: Any, limit: int) -> int:
    """The size of a value, or just more than ``limit`` where it is bigger than that."""
    try:
        return size_of(value, limit)
    except CostsTooMuch:
        return limit + 1
