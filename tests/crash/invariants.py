"""What must hold at every revision, whatever was killed, paused, cut off or lost.

The rules name what they are about by the numbers of the invariants: I1 one writer, I2 no lost job,
I3 a result and the removal of its jobs are one, I4 nothing made twice, I5 a reversion is complete
or says what is left, I6 results in the order of versions, I12 legal transitions. I7, the same end
as that of an undisturbed run, is for the test to compare: see :func:`picture`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from esi_flows.model import keys
from esi_flows.store.base import Store
from tests.crash.ends import count_calls, left_over, wrong_ends
from tests.crash.history import END, Change, View
from tests.crash.outside import CALLS
from tests.crash.recording import Operation
from tests.crash.rules import RULES
from tests.crash.shapes import Group
from tests.crash.writes import wrongly_written

_VOLATILE = (
    "attempts",
    "claims",
    "conductor",
    "interruptions",
    "posted_at",
    "started_at",
    "ended_at",
    "waited_seconds",
)

_IGNORED = (keys.CLAIMS, keys.CONDUCTORS, keys.MARKERS, keys.HISTORY, CALLS)


class Broken(AssertionError):
    """Invariants that did not hold."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a history that kept to the rules."""

    revisions: int
    calls: dict[str, int]
    """How often each call was made: ``execute <job id>``."""
    late: list[str]
    """Calls by conductors that did not hold the claim any more."""


def check(
    history: Sequence[Change],
    groups: Sequence[Group],
    operations: Iterable[Operation] = (),
    *,
    late_calls: int = 0,
) -> Seen:
    """Check all that has happened since the store was empty. Raises Broken.

    ``late_calls``: how many calls may come from conductors that have lost their claim, because
    they were under way when it was lost.
    """
    wrong: list[str] = []
    counted: dict[str, int] = {}
    late: list[str] = []
    for change in history:
        for rule in RULES:
            wrong += [f"at {change.revision}: {text}" for text in rule(change, groups)]
        wrong += count_calls(change, counted, late)
    end = history[-1].after if history else View(0, {})
    made = {call for call in counted if " by " not in call}
    wrong += wrong_ends(end, groups, made)
    wrong += left_over(end)
    wrong += wrongly_written(history, operations)
    if len(late) > late_calls:
        wrong.append(f"called without the claim: {late}")
    if wrong:
        raise Broken("\n".join([*wrong, "history:", *_told(history)]))
    return Seen(len(history), {call: counted[call] for call in made}, late)


def picture(store: Store) -> dict[str, Any]:
    """I7: everything that is stored, but for who works, and when and how often they tried."""
    return {
        item.key: _without_what_differs(json.loads(item.value))
        for item in store.range("/").items
        if not item.key.startswith(_IGNORED) and item.key != END
    }


def _without_what_differs(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_what_differs(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list):
        return [_without_what_differs(element) for element in value]
    return value


def _told(history: Sequence[Change]) -> Iterator[str]:
    """The history in words, for whoever has to find out."""
    for change in history:
        for key, event in change.events.items():
            text = (event.value or b"-- removed").decode(errors="replace")
            yield f"  {change.revision} {key} {text[:200]}"
