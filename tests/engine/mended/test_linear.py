"""What a flow costs is linear in its tasks, counted in calls of functions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from taskflow import states
from taskflow.persistence import models

from esi_flows.engine.mended.engine import DurableEngine
from esi_flows.engine.mended.flow import graph_of
from esi_flows.engine.mended.task import LeanTask
from tests.engine.mended.running import FLOW, STOCK, ScriptedExecutor

Edges = Callable[[int], list[tuple[int, int]]]


class Step(LeanTask):
    """Fails where its flow says so."""

    fails: bool

    def execute(self) -> str:
        if self.fails:
            raise ValueError(self.name)
        return str(self.name)

    def revert(self, **_: Any) -> None:
        pass


def calls(
    size: int,
    edges: list[tuple[int, int]],
    fails: Callable[[int], bool] = lambda number: False,
    kind: Any = DurableEngine,
) -> int:
    """How many functions are called for building and running a flow."""
    count = 0

    def on_event(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(on_event)
    try:
        tasks = [Step(f"t{number}") for number in range(size)]
        for number, member in enumerate(tasks):
            member.fails = fails(number)
        flow = graph_of("flow", tasks, [(tasks[a], tasks[b]) for a, b in edges])
        detail = models.FlowDetail("flow", FLOW)
        executor = ScriptedExecutor((size,), batches=True)
        try:
            kind(flow, detail, None, {"executor": executor}).run()
        except Exception:  # noqa: BLE001 - what tasks have raised
            assert detail.state == states.REVERTED
        return count
    finally:
        sys.setprofile(None)


def chain(size: int) -> list[tuple[int, int]]:
    return [(number - 1, number) for number in range(1, size)]


def fan(size: int) -> list[tuple[int, int]]:
    return []


def layers(size: int) -> list[tuple[int, int]]:
    return [
        (number // 10 * 10 - 10 + other % 10, number)
        for number in range(10, size)
        for other in (number, number + 1)
    ]


@pytest.mark.parametrize("edges", [chain, fan, layers])
@pytest.mark.parametrize(
    "fails", [lambda n: False, lambda n: n == 95, lambda n: True], ids=["none", "one", "all"]
)
def test_twice_the_tasks_cost_twice_the_calls(edges: Edges, fails: Callable[[int], bool]) -> None:
    once, twice = (calls(size, edges(size), fails) for size in (200, 400))
    assert twice < 2.2 * once


@pytest.mark.parametrize("edges", [chain, fan, layers])
def test_a_small_flow_costs_much_less_than_on_taskflow(edges: Edges) -> None:
    assert 3 * calls(20, edges(20)) < calls(20, edges(20), kind=STOCK)
