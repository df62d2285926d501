"""Each mended class does what TaskFlow's does, over generated flows."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taskflow import states

from esi_flows.engine.mended.engine import ENDED, DurableEngine
from tests.engine.mended.plans import Event, Plan, check_order, plans
from tests.engine.mended.running import MENDED, STOCK, DyingBackend, Killed, Seen, Trial


@pytest.mark.parametrize("name", MENDED)
@settings(max_examples=40)
@given(plan=plans())
def test_history_and_end_are_the_same(name: str, plan: Plan) -> None:
    stock = Trial(STOCK, plan).run()
    ours = Trial(MENDED[name], plan).run()
    assert ours == stock


@pytest.mark.parametrize("name", MENDED)
@settings(max_examples=40)
@given(plan=plans(), until=st.integers(0, 20))
def test_killed_in_any_state_and_resumed_they_are_the_same(
    name: str, plan: Plan, until: int
) -> None:
    histories = []
    for kind in (STOCK, MENDED[name]):
        first = Trial(kind, plan)
        before = first.run(until=until)
        detail = first.kill()
        if before.flow_state in ENDED:
            return
        after = Trial(kind, plan, detail=detail).run()
        histories.append((before.log, after))
    assert histories[0] == histories[1]


@settings(max_examples=150)
@given(plan=plans())
def test_tasks_that_end_together_change_the_order_only(plan: Plan) -> None:
    """Together is where stock TaskFlow reverts what has never run; else the ends are the same."""
    stock = Trial(STOCK, plan, batches=True).run()
    ours = Trial(DurableEngine, plan, batches=True).run()
    check_order(plan, ours.log)
    check_end(plan, ours)
    executed = {event[1] for event in stock.log if event[0] == "execute"}
    phantoms = {event[1] for event in stock.log if event[0] == "revert"} - executed
    if not phantoms and not plan.fails_to_revert and not plan.never_resolve:
        assert ours.flow_state == stock.flow_state
        assert {name: atom[0] for name, atom in ours.atoms.items()} == {
            name: atom[0] for name, atom in stock.atoms.items()
        }


@settings(max_examples=150)
@given(plan=plans(options=False), saves=st.integers(0, 40))
def test_killed_before_any_save_the_end_is_the_same(plan: Plan, saves: int) -> None:
    undisturbed = Trial(DurableEngine, plan).run()
    backend = DyingBackend({})
    first = Trial(DurableEngine, plan, backend=backend)
    backend.saves_left = saves
    with contextlib.suppress(Killed):
        first.run()
    backend.saves_left = -1
    second = Trial(DurableEngine, plan, detail=first.load()).run()
    assert second.flow_state == undisturbed.flow_state
    assert bool(second.error) == bool(undisturbed.error)
    check_end(plan, second, first.log)


@settings(max_examples=150)
@given(plan=plans(options=False), until=st.integers(0, 20))
def test_suspended_in_any_state_nothing_is_lost_nor_done_twice(plan: Plan, until: int) -> None:
    undisturbed = Trial(DurableEngine, plan).run()
    first = Trial(DurableEngine, plan)
    before = first.run(until=until, suspend=True)
    if before.flow_state not in ENDED:
        assert before.flow_state == states.SUSPENDED
        assert not before.error
    second = Trial(DurableEngine, plan, detail=first.load()).run()
    log = first.log + second.log
    # cancelled before they began: they may have, as far as anybody can tell later
    unknown = {name for name, atom in before.atoms.items() if atom[0] == states.RUNNING}
    check_order(plan, log, unknown)
    assert len({event[:2] for event in log}) == len(log)
    assert second.flow_state == undisturbed.flow_state
    check_end(plan, second, first.log)


@settings(max_examples=100)
@given(plan=plans(options=False), wait=st.integers(0, 10))
def test_an_exception_between_the_tasks_leaves_the_flow_to_be_resumed(
    plan: Plan, wait: int
) -> None:
    undisturbed = Trial(DurableEngine, plan).run()
    first = Trial(DurableEngine, plan)
    first.executor.fails_at_wait = wait
    before = first.run()
    if before.error.startswith("ClaimLost"):
        assert before.flow_state == states.RUNNING
    second = Trial(DurableEngine, plan, detail=first.load()).run()
    assert second.flow_state == undisturbed.flow_state
    check_end(plan, second, first.log)


def check_end(plan: Plan, seen: Seen, earlier: list[Event] | None = None) -> None:
    """What must hold of a flow that has ended."""
    ends = {atom[0] for atom in seen.atoms.values()}
    log = [*(earlier or []), *seen.log]
    if seen.flow_state == states.SUCCESS:
        assert ends == {states.SUCCESS}
        assert {event[1] for event in log} == {f"t{number}" for number in range(plan.size)}
    elif seen.flow_state == states.REVERTED:
        assert ends <= {states.REVERTED, states.PENDING}
        executed = {event[1] for event in log if event[0] == "execute"}
        assert executed <= {event[1] for event in log if event[0] == "revert"}
    else:
        assert seen.flow_state == states.FAILURE
        assert plan.fails_to_revert or plan.never_resolve
