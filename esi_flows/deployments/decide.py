"""What a step does to one resource, from what is recorded of it. Pure.

The bodies that a deployment gives to one resource, step after step, form its chain. Where the
store already holds a body of the chain, everything up to it is done; a body that is none of the
chain's is replaced by the chain's last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from esi_flows.deployments.recorded import Recorded, Standing
from esi_flows.deployments.types import Wanted
from esi_flows.model import codec
from esi_flows.model.codec import JsonObject
from esi_flows.model.intents import Intent


class Change(StrEnum):
    """What is done about one resource in one step."""

    CREATE = "create"
    UPDATE = "update"
    RETRY = "retry"
    """The same body again: its last version failed."""
    IN_FLIGHT = "in flight"
    """Nothing: it is being worked on."""
    NONE = "unchanged"
    """Nothing: it is as wanted."""
    LATER = "later"
    """Nothing yet: its last body needs what a later step brings."""

    @property
    def writes(self) -> bool:
        """Whether the intent is written."""
        return self in (Change.CREATE, Change.UPDATE, Change.RETRY)

    @property
    def open(self) -> bool:
        """Whether a result is to be waited for."""
        return self.writes or self is Change.IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done, with which body; ``version`` is what the resource then has (0: none yet)."""

    wanted: Wanted
    change: Change
    version: int

    @property
    def intent(self) -> Intent:
        """The document to write."""
        return Intent(self.wanted.body, self.version)


def decide(
    recorded: Recorded, chain: Sequence[Wanted], place: int, *, last_is_ready: bool, held: int = -1
) -> Decision:
    """What to do about a resource when the body at ``place`` of its chain is due.

    ``last_is_ready``: everything that the last body refers to is there. ``held``: the place that
    is known to be reached (needed only where a body occurs twice in the chain).
    """
    wanted, intent = chain[place], recorded.intent
    if intent is None:
        return Decision(wanted, Change.CREATE, recorded.next_version)
    reached = held if held >= 0 else _reached(chain, intent)
    if reached < 0:
        if not last_is_ready:
            return Decision(chain[-1], Change.LATER, 0)
        return Decision(chain[-1], Change.UPDATE, recorded.next_version)
    if reached > place:
        return Decision(wanted, Change.NONE, intent.version)
    if reached < place:
        return Decision(wanted, Change.UPDATE, recorded.next_version)
    if recorded.standing is Standing.FAILED:
        return Decision(wanted, Change.RETRY, recorded.next_version)
    change = Change.NONE if recorded.standing is Standing.DONE else Change.IN_FLIGHT
    return Decision(wanted, change, intent.version)


def _reached(chain: Sequence[Wanted], intent: Intent) -> int:
    """The last place of the chain whose body the intent has, -1 where it has none of them."""
    if intent.marked_for_deletion:
        return -1
    for place in range(len(chain) - 1, -1, -1):
        if same(chain[place].body, intent.body):
            return place
    return -1


def same(one: JsonObject, other: JsonObject) -> bool:
    """Whether two bodies are the same JSON (to Python, 1 and true would be)."""
    return codec.dumps(one) == codec.dumps(other)
