"""Draws graphs of any size: each group waits for two that were made some time before."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from esi_flows.model.jobs import ResourceRef
from esi_flows.planning.types import Kind, Rule
from esi_flows.views.model import Edge, Graph, Group, Job, Mode, Step, Why
from esi_flows.views.svg import svg

NEAR = 200
"""How far back the groups are that one waits for."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn, in how many seconds, and of how many characters."""

    jobs: int
    groups: int
    edges: int
    seconds: float
    size: int


def measure(jobs: int) -> Drawn:
    """Draw a graph of so many jobs, two in each group."""
    made = graph(jobs // 2)
    started = time.perf_counter()
    drawn = svg(made)
    return Drawn(jobs, jobs // 2, len(made.edges), time.perf_counter() - started, len(drawn))


def graph(groups: int) -> Graph:
    """The same graph each time."""
    chosen = random.Random(1)
    made = tuple(_group(number) for number in range(groups))
    edges = [
        Edge(
            source=made[before].id, target=made[number].id, why=(Why(Rule.READS, ("p",), ("id",)),)
        )
        for number in range(1, groups)
        for before in sorted({chosen.randrange(max(0, number - NEAR), number) for _ in range(2)})
    ]
    return Graph(name="many", mode=Mode.PLAN, steps=(Step("all", made),), edges=tuple(edges))


def _group(number: int) -> Group:
    resource = ResourceRef("port", f"{number:08x}")
    first, second = (
        Job(id=f"create:{handler}:{resource}:1", action="create", handler=handler)
        for handler in ("heat_worker", "monitoring_worker")
    )
    return Group(
        id=f"{resource}:1",
        resource=resource,
        version=1,
        kind=Kind.CREATE,
        jobs=(first, second),
    )
