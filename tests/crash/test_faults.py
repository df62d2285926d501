"""Stores that fail at random, by a seed that is told: the rules hold, and all comes to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from esi_flows.model.errors import StoreError
from esi_flows.store.base import Store
from esi_flows.store.faults import Fault, FaultyStore, seeded
from tests.crash.conftest import SetStage
from tests.crash.shapes import DIAMOND, FAN_OUT, LINEAR, Group

FIRST = Group(LINEAR)
SECOND = Group(DIAMOND, resource="n2", waits_for=(FIRST,))
FAILING = Group(FAN_OUT, resource="n3", fails="c")
GROUPS = (
    FIRST,
    SECOND,
    FAILING,
    Group(LINEAR, resource="n4", waits_for=(FAILING,)),
    Group(LINEAR, resource="n3", version=2, waits_for=(FAILING,)),
    Group(DIAMOND, resource="n5", fails="b", ignored="b"),
    Group(LINEAR, resource="n6", fails="c", stays="a"),
    Group(FAN_OUT, resource="n7"),
)
"""Groups that wait for others, that fail, that are cancelled, and a correction of a failed one."""

METHODS = ("txn", "get", "range", "delete", "keep_alive", "revoke")
"""Those that a conductor begins with are left out: it ends if it cannot begin."""

CALLS_WITH_FAULTS = 400
"""Then all goes well again."""
DELIVERED_EVERY = 7
"""So many calls later, what was delayed arrives."""


class UnreliableStore(FaultyStore):
    """Fails by a seed, until it has failed long enough."""

    def __init__(self, store: Store, seed: int, rate: float) -> None:
        super().__init__(store, self._choose_by_seed)
        self.faults = 0
        self._calls = 0
        # how many calls there are is a matter of luck: one fault there is in any case
        self._surely_at = 10 if rate >= 0.1 else 0
        self._seeded = seeded(seed, rate=rate, methods=METHODS)

    def _choose_by_seed(self, method: str, arguments: Sequence[Any]) -> Fault | None:
        self._calls += 1
        if self._calls % DELIVERED_EVERY == 0:
            with contextlib.suppress(StoreError):
                self.deliver()
        if self._calls > CALLS_WITH_FAULTS:
            return None
        fault = self._seeded(method, arguments)
        if self._calls == self._surely_at and method in METHODS:
            fault = Fault.LOST_REPLY if method == "txn" else Fault.ERROR
        self.faults += fault is not None
        return fault


@pytest.mark.parametrize(
    ("rate", "seed"), [(0.01, seed) for seed in range(5)] + [(0.1, seed) for seed in range(10)]
)
def test_whatever_fails_the_rules_hold_and_everything_ends(
    set_stage: SetStage, rate: float, seed: int
) -> None:
    stage = set_stage(*GROUPS)
    stores = [
        UnreliableStore(stage.recorded(f"conductor {number}"), 2 * seed + number, rate)
        for number in range(2)
    ]
    stage.run_on(stores)
    stage.check()
    if rate == 0.1:
        assert any(store.faults for store in stores), "too few faults to show anything"
