from __future__ import annotations

from collections.abc import Sequence

import pytest

from esi_flows.model.jobs import Action, OnFailure, ResourceRef
from esi_flows.planning.consequences import longest, reached
from esi_flows.planning.types import Change, Kind, PlannedJob, Wait


def change(name: str, seconds: float | None, *waits: str) -> Change:
    return Change(
        resource=ResourceRef("net", name),
        kind=Kind.CREATE,
        version=1,
        jobs=(PlannedJob(action=Action.CREATE, handler="h", on_failure=OnFailure.FAIL),),
        waits=tuple(Wait(f"net:{other}:1", ("create:h",), ()) for other in waits),
        seconds=seconds,
    )


def test_whoever_waits_for_a_group_is_reached_once_the_nearest_first() -> None:
    waiters = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"], "x": ["a"]}
    assert reached("a", waiters) == ("b", "c", "d", "e")
    assert reached("e", waiters) == ()


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ([], 0.0),
        ([change("a", 1.0), change("b", 2.0)], 2.0),
        ([change("c", 1.0, "b"), change("b", 2.0, "a"), change("a", 4.0)], 7.0),
        ([change("a", 1.0), change("b", None, "a"), change("c", 2.0, "b")], 3.0),
        ([change("a", 1.0, "elsewhere")], 1.0),
        ([change("d", 1.0, "b", "c"), change("b", 5.0), change("c", 2.0, "b")], 8.0),
    ],
)
def test_the_longest_chain_counts(changes: Sequence[Change], seconds: float) -> None:
    assert longest(changes) == seconds


def test_a_chain_may_be_as_long_as_it_likes() -> None:
    links = [change(str(n), 1.0, str(n + 1)) for n in range(5000)]
    assert longest(links) == 5000.0
