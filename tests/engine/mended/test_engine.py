"""The engine: stepping, stopping, ended flows, and flows that the mended classes do not fit."""

from __future__ import annotations

from typing import Any

import pytest
from taskflow import retry, states, task
from taskflow.patterns import graph_flow, linear_flow
from taskflow.persistence import models

from esi_flows.engine.mended.engine import DurableEngine
from esi_flows.model.errors import ClaimLost
from tests.engine.mended.plans import Plan
from tests.engine.mended.running import STOCK, ScriptedExecutor, Trial

CHAIN = Plan(size=3, edges=frozenset({(0, 1), (1, 2)}))
FAILING = Plan(size=3, edges=frozenset({(0, 1), (1, 2)}), fails=frozenset({2}))
STUCK = Plan(
    size=2, edges=frozenset({(0, 1)}), fails=frozenset({1}), fails_to_revert=frozenset({1})
)


def names(trial: Trial, kind: str = "execute") -> list[str]:
    return [event[1] for event in trial.log if event[0] == kind]


@pytest.mark.parametrize("plan", [CHAIN, FAILING, STUCK], ids=["SUCCESS", "REVERTED", "FAILURE"])
def test_a_flow_that_has_ended_is_not_run_again(plan: Plan) -> None:
    first = Trial(DurableEngine, plan)
    end = first.run()
    for detail in (first.load(), first.engine._flow_detail):
        again = Trial(DurableEngine, plan, detail=detail)
        repeated = again.run()
        assert again.log == []
        assert repeated.yielded == [end.flow_state]
        assert repeated.flow_state == end.flow_state
        assert bool(repeated.error) == bool(end.error)


def test_the_same_engine_does_not_run_twice_either() -> None:
    trial = Trial(DurableEngine, CHAIN)
    trial.engine.run()
    trial.engine.run()
    assert names(trial) == ["t0", "t1", "t2"]


def test_a_reverted_flow_is_executed_once_more_on_demand() -> None:
    first = Trial(DurableEngine, FAILING)
    first.run()
    again = Trial(DurableEngine, CHAIN, detail=first.load())
    again.engine.compile()
    again.engine.prepare()
    again.engine.reset()
    assert again.run().flow_state == states.SUCCESS
    assert names(again) == ["t0", "t1", "t2"]


def test_an_engine_that_is_reset_reverts_once_more() -> None:
    """What does not depend on the failed task, too."""
    trial = Trial(DurableEngine, Plan(size=3, edges=frozenset({(0, 2)}), fails=frozenset({2})))
    for _ in range(2):
        assert trial.run().flow_state == states.REVERTED
        trial.engine.reset()
    assert sorted(names(trial, "revert")) == sorted(["t0", "t1", "t2"] * 2)


def test_closed_it_lets_running_tasks_end_and_is_suspended() -> None:
    trial = Trial(DurableEngine, CHAIN)
    run = trial.engine.run_iter()
    while next(run) != states.ANALYZING:
        pass
    run.close()
    assert trial.engine.storage.get_flow_state() == states.SUSPENDED
    assert names(trial) == ["t0"]


def test_an_exception_thrown_in_is_raised_and_the_flow_can_go_on() -> None:
    trial = Trial(DurableEngine, CHAIN)
    run = trial.engine.run_iter()
    while next(run) != states.ANALYZING:
        pass
    with pytest.raises(ClaimLost):
        run.throw(ClaimLost("somebody else has it"))
    assert trial.engine.storage.get_flow_state() == states.RUNNING
    second = Trial(DurableEngine, CHAIN, detail=trial.load())
    assert second.run().flow_state == states.SUCCESS


def test_tasks_of_higher_priority_are_scheduled_first() -> None:
    scheduled: list[str] = []

    class Noting(ScriptedExecutor):
        def execute_task(self, task: Any, *given: Any, **named: Any) -> Any:
            scheduled.append(task.name)
            return super().execute_task(task, *given, **named)

    trial = Trial(DurableEngine, Plan(size=6))
    trial.engine._task_executor = Noting((0,))
    trial.engine.run()
    assert scheduled == ["t1", "t3", "t5", "t0", "t2", "t4"]


def test_a_missing_argument_is_told_before_anything_runs() -> None:
    log: list[str] = []

    class Needs(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
        def execute(self, what: int) -> None:
            log.append("run")

    engine = engine_on(DurableEngine, graph_flow.Flow("flow").add(Needs("a")))
    with pytest.raises(Exception, match="what"):
        engine.run()
    assert log == []
    engine.storage.inject({"what": 1})
    engine.run()
    assert log == ["run"]


class Noting(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    def __init__(self, name: str, log: list[str], fails: int = 0) -> None:
        super().__init__(name)
        self._log = log
        self._fails = fails

    def execute(self) -> str:
        self._log.append(self.name)
        self._fails -= 1
        if self._fails >= 0:
            raise OSError("not yet")
        return self.name

    def revert(self, result: Any, flow_failures: Any) -> None:
        self._log.append(f"revert {self.name}")


def engine_on(kind: Any, flow: Any) -> Any:
    detail = models.FlowDetail("flow", "uuid")
    return kind(flow, detail, None, {"executor": ScriptedExecutor((0,))})


def retried(log: list[str]) -> Any:
    flow = linear_flow.Flow("flow", retry=retry.Times(3))
    return flow.add(Noting("a", log), Noting("b", log, fails=1))


def nested(log: list[str]) -> Any:
    inner = linear_flow.Flow("inner").add(Noting("b", log), Noting("c", log))
    return linear_flow.Flow("flow").add(Noting("a", log), inner, Noting("d", log))


def decided(log: list[str]) -> Any:
    flow = graph_flow.Flow("flow")
    a, b, c = Noting("a", log), Noting("b", log), Noting("c", log)
    flow.add(a, b, c)
    flow.link(a, b, decider=lambda history: history["a"] != "a")
    return flow.link(b, c)


@pytest.mark.parametrize("make_flow", [retried, nested, decided])
def test_flows_with_more_than_tasks_run_as_on_taskflow(make_flow: Any) -> None:
    histories = []
    for kind in (STOCK, DurableEngine):
        log: list[str] = []
        engine = engine_on(kind, make_flow(log))
        engine.run()
        atoms = {atom.name: atom.state for atom in engine._flow_detail}
        histories.append((log, engine.storage.get_flow_state(), atoms))
    assert histories[0] == histories[1]
    assert len(histories[0][0]) > 0


def test_an_exception_between_tasks_leaves_a_nested_flow_to_be_resumed_too() -> None:
    log: list[str] = []
    engine = engine_on(DurableEngine, nested(log))
    engine._task_executor.fails_at_wait = 2
    with pytest.raises(ClaimLost):
        engine.run()
    assert engine.storage.get_flow_state() == states.RUNNING
    engine._task_executor.fails_at_wait = None
    engine.run()
    assert log == ["a", "b", "c", "d"]
