"""Generated flows: what they look like, which of their tasks fail, in which order they end."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from taskflow import task
from taskflow.patterns import graph_flow

from esi_flows.engine.mended.flow import graph_of

Event = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A flow of ``size`` tasks named t0, t1, ...; an edge (a, b) has a < b.

    An edge in ``arguments`` is one by an argument: b takes what a has brought. ``picks`` says, for
    each wait in turn, which of the scheduled tasks end; see ScriptedExecutor.
    """

    size: int
    edges: frozenset[tuple[int, int]] = frozenset()
    arguments: frozenset[tuple[int, int]] = frozenset()
    fails: frozenset[int] = frozenset()
    fails_to_revert: frozenset[int] = frozenset()
    picks: tuple[int, ...] = (0,)
    never_resolve: bool = False

    @property
    def all_edges(self) -> frozenset[tuple[int, int]]:
        return self.edges | self.arguments


@st.composite
def plans(draw: st.DrawFn, *, max_size: int = 7, options: bool = True) -> Plan:
    """Plans; without ``options`` reverts do not fail and TaskFlow's options are its defaults."""
    size = draw(st.integers(1, max_size))
    pairs = [(a, b) for b in range(size) for a in range(b)]
    some = st.sets(st.sampled_from(pairs), max_size=2 * size) if pairs else st.just(set())
    tasks = st.sets(st.integers(0, size - 1), max_size=2)
    return Plan(
        size=size,
        edges=frozenset(draw(some)),
        arguments=frozenset(draw(some)),
        fails=frozenset(draw(tasks)),
        fails_to_revert=frozenset(draw(tasks)) if options and draw(st.booleans()) else frozenset(),
        picks=tuple(draw(st.lists(st.integers(0, 7), min_size=1, max_size=12))),
        never_resolve=options and draw(st.booleans()) and draw(st.booleans()),
    )


class PlannedTask(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    """Notes what happens to it, and fails where the plan says so."""

    def __init__(self, plan: Plan, number: int, log: list[Event]) -> None:
        super().__init__(
            name=f"t{number}",
            provides=f"r{number}",
            requires=[f"r{before}" for before, after in sorted(plan.arguments) if after == number],
        )
        self.priority = number % 2
        self._plan = plan
        self._number = number
        self._log = log

    def execute(self, **arguments: Any) -> Any:
        self._log.append(("execute", self.name, tuple(sorted(arguments.items()))))
        self.update_progress(0.5)
        if self._number in self._plan.fails:
            raise ValueError(f"{self.name} fails")
        return self._number + sum(arguments.values())

    def revert(self, result: Any, flow_failures: Any, **arguments: Any) -> Any:
        shown = result if isinstance(result, int | None) else str(result.exception_str)
        failures = tuple(sorted(flow_failures))
        self._log.append(("revert", self.name, shown, failures, tuple(sorted(arguments.items()))))
        if self._number in self._plan.fails_to_revert:
            raise KeyError(f"{self.name} stays")
        return f"undone {self.name}"


@dataclass(slots=True)
class Made:
    """A plan's flow, and what its tasks note."""

    flow: graph_flow.Flow
    log: list[Event] = field(default_factory=list)


def make(plan: Plan) -> Made:
    """The plan as a flow of new tasks."""
    log: list[Event] = []
    tasks = [PlannedTask(plan, number, log) for number in range(plan.size)]
    return Made(graph_of("flow", tasks, [(tasks[a], tasks[b]) for a, b in plan.all_edges]), log)


def check_order(plan: Plan, log: list[Event], unknown: Set[str] = frozenset()) -> None:
    """What must hold of every history; of ``unknown`` tasks it is not known whether they ran."""
    executed = [event[1] for event in log if event[0] == "execute"]
    reverted = [event[1] for event in log if event[0] == "revert"]
    assert set(reverted) <= {*executed, *unknown}, "reverted what has never run"
    for before, after in plan.all_edges:
        first, second = f"t{before}", f"t{after}"
        if second in executed:
            assert executed.index(first) < executed.index(second)
        if first in reverted and second in executed:
            assert reverted.index(second) < reverted.index(first)
