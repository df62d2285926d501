"""heat_worker while Keystone or Heat come and go, or somebody else acts on its stacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from esi_flows.handlers.base import Run
from esi_flows.handlers.heat.client import Heat
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.model.errors import HandlerError, HandlerTimeout
from esi_flows.model.jobs import Action
from esi_flows.sandbox.faults import Fault, FaultKind
from tests.cloud.bed.cloud import RealCloud
from tests.cloud.plugin import BOTH, REAL, World
from tests.handlers.conftest import MakeJob, drive

NAME = "network_n1"
ON_REAL = pytest.mark.parametrize("cloud", [REAL], indirect=True)


@pytest.fixture
def hung(cloud: World) -> Iterator[World]:
    """A cloud in which creations do not end before the switches are taken back."""
    cloud.faults.add(Fault(kind=FaultKind.HANG, stack=NAME, action="CREATE"))
    yield cloud
    cloud.faults.clear()


@BOTH
def test_a_stack_deleted_behind_our_back_is_an_error(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, hung: World
) -> None:
    steps = handler.execute(job(), run)
    settled = next(steps)
    stack = heat.find(NAME)
    assert stack is not None
    heat.delete(stack)
    with pytest.raises(HandlerError, match=r"disappeared|CREATE cancelled"):
        steps.send(settled.result(60))


@BOTH
def test_a_stack_deleted_behind_our_back_is_made_again_by_a_modify(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat
) -> None:
    drive(handler.execute(job(), run))
    drive(handler.execute(job(Action.LOGICAL_DELETE), run))  # by somebody who records nothing
    drive(handler.execute(job(Action.MODIFY), run))
    assert heat.find(NAME) is not None


@BOTH
def test_an_api_that_is_away_for_a_while_is_waited_for(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: World
) -> None:
    steps = handler.execute(job(), run)
    settled = next(steps)
    cloud.refuse(1.0)
    assert settled.result(60).complete
    assert drive(handler.execute(job(Action.MODIFY), run)).job_state


@BOTH
def test_what_never_ends_can_be_deleted(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, hung: World
) -> None:
    next(handler.execute(job(), run))
    drive(handler.execute(job(Action.LOGICAL_DELETE), run))
    assert heat.find(NAME) is None


@BOTH
def test_a_creation_that_was_given_up_is_taken_back(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, hung: World
) -> None:
    handler._grace = 0.5 - 60  # the stack's own time is a minute
    with pytest.raises(HandlerTimeout):
        drive(handler.execute(job(heat_timeout=1), run))
    handler._grace = 5
    drive(handler.revert(job(), run, None))
    assert heat.find(NAME) is None


@ON_REAL
def test_a_keystone_that_restarts_is_waited_for(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: RealCloud
) -> None:
    cloud.keystone.kill()
    steps = handler.execute(job(), run)
    waiting = next(steps)  # for another try: no token is to be had
    cloud.keystone.start()
    waiting.result(60)
    assert drive(steps).job_state["orchestration_state"] == "CREATE_COMPLETE"


@ON_REAL
def test_a_stack_that_a_killed_heat_has_forgotten_can_be_deleted(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, hung: RealCloud
) -> None:
    next(handler.execute(job(), run))
    hung.heat.kill()
    hung.heat.start()
    stack = heat.find(NAME)
    assert stack is not None
    assert stack.in_progress, "nothing in Heat goes on with it"
    drive(handler.execute(job(Action.LOGICAL_DELETE), run))
    assert heat.find(NAME) is None
