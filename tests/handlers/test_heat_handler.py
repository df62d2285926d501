"""heat_worker: one stack per resource, whatever state it is found in, and back again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from esi_flows.handlers.base import Outcome, Run
from esi_flows.handlers.heat.client import Heat, Stack
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.model.errors import HandlerError, HandlerTimeout
from esi_flows.model.jobs import Action
from esi_flows.model.results import HeatStack
from esi_flows.sandbox.faults import Fault, FaultKind
from tests.cloud.plugin import BOTH, World
from tests.handlers.conftest import MakeJob, Records, drive

pytestmark = BOTH

NAME = "network_n1"
KEY = "/esi-worker/heat_stacks/v2.0/networks/n1"
RECORD = "/esi-flows/stacks/v2.0/networks/n1"


def written(outcome: Outcome, key: str) -> Any:
    value = {write.key: write.value for write in outcome.writes}[key]
    return json.loads(value) if value is not None else None


def found(heat: Heat) -> Stack:
    stack = heat.find(NAME)
    assert stack is not None
    return stack


def creations(cloud: World, project: str) -> int:
    """How many stacks Heat has made in a project."""
    posts = cloud.journal.entries(method="POST", contains=f"/{project}/stacks")
    return sum(entry.status == 201 for entry in posts)


def test_a_created_stack_is_recorded_with_its_outputs(
    handler: HeatHandler, run: Run, job: MakeJob
) -> None:
    outcome = drive(handler.execute(job(), run))
    stack = written(outcome, KEY)
    assert (stack["id"], stack["stack_id"]) == ("network:n1", NAME)
    assert stack["stack_status"] == "CREATE_COMPLETE"
    assert {o["output_key"]: o["output_value"] for o in stack["output"]} == {
        "id": "n1",
        "flavour": "plain",
        "vlan": "1",
        "mtu": 1500,
    }
    assert outcome.job_state == {
        "heat_outputs": stack["output"],
        "orchestration_state": "CREATE_COMPLETE",  # no template here is for monitoring: profile B
    }
    assert written(outcome, RECORD)["parameters"] == {"name": "n1"}


def test_a_number_may_be_given_for_a_text(handler: HeatHandler, run: Run, job: MakeJob) -> None:
    stack = written(drive(handler.execute(job(vlan=1001, mtu=9000), run)), KEY)
    outputs = {o["output_key"]: o["output_value"] for o in stack["output"]}
    assert (outputs["vlan"], outputs["mtu"]) == ("1001", 9000)


def test_it_takes_four_calls_and_the_poller_s_share(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: World, project: str
) -> None:
    drive(handler.execute(job(), run))
    own = [e for e in cloud.journal.entries(contains=f"/{project}/stacks") if e.stack]
    assert [(e.method, e.status) for e in own if e.status != 302] == [
        ("GET", 404),
        ("POST", 201),
        ("GET", 200),
    ]


def test_a_modified_stack_is_updated(handler: HeatHandler, run: Run, job: MakeJob) -> None:
    drive(handler.execute(job(), run))
    outcome = drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    stack = written(outcome, KEY)
    assert stack["stack_status"] == "UPDATE_COMPLETE"
    assert {"output_key": "flavour", "output_value": "hot"}.items() <= {
        k: v for o in stack["output"] if o["output_key"] == "flavour" for k, v in o.items()
    }.items()


@pytest.mark.parametrize("action", [Action.CREATE, Action.MODIFY])
def test_what_exists_is_updated_and_what_is_missing_created(
    handler: HeatHandler,
    run: Run,
    job: MakeJob,
    heat: Heat,
    cloud: World,
    project: str,
    action: Action,
) -> None:
    drive(handler.execute(job(action), run))
    first = found(heat)
    drive(handler.execute(job(action), run))
    assert found(heat).id == first.id
    assert creations(cloud, project) == 1


def test_a_stack_in_progress_is_waited_for(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, cloud: World, project: str
) -> None:
    abandoned = handler.execute(job(), run)
    next(abandoned)  # the call is made; whoever made it is gone
    assert found(heat).status == "CREATE_IN_PROGRESS"
    outcome = drive(handler.execute(job(), run))
    assert written(outcome, KEY)["stack_status"] == "UPDATE_COMPLETE"
    assert creations(cloud, project) == 1


def test_a_failed_creation_is_replaced(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, cloud: World
) -> None:
    cloud.faults.add(
        Fault(kind=FaultKind.FAIL, stack=NAME, action="CREATE", times=1, reason="boom")
    )
    with pytest.raises(HandlerError, match=r"network_n1 is CREATE_FAILED.*boom"):
        drive(handler.execute(job(), run))
    failed = found(heat)
    outcome = drive(handler.execute(job(), run))
    assert written(outcome, KEY)["stack_status"] == "CREATE_COMPLETE"
    assert found(heat).id != failed.id


def test_a_failed_stack_is_repaired_by_a_modify(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, cloud: World
) -> None:
    drive(handler.execute(job(), run))
    cloud.faults.add(Fault(kind=FaultKind.FAIL, stack=NAME, action="UPDATE", times=1))
    with pytest.raises(HandlerError, match="UPDATE_FAILED"):
        drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    outcome = drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    assert written(outcome, KEY)["stack_status"] == "UPDATE_COMPLETE"


def test_a_stack_that_is_going_is_waited_for_and_made_again(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, cloud: World
) -> None:
    drive(handler.execute(job(), run))
    first = found(heat)
    heat.delete(first)
    drive(handler.execute(job(), run))
    assert found(heat).id != first.id


def test_deleting_leaves_nothing_and_says_so(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat
) -> None:
    drive(handler.execute(job(), run))
    outcome = drive(handler.execute(job(Action.LOGICAL_DELETE), run))
    assert heat.find(NAME) is None
    assert written(outcome, KEY)["stack_status"] == "DELETE_COMPLETE"
    assert written(outcome, KEY)["stack_id"] == ""
    assert written(outcome, RECORD) is None
    drive(handler.execute(job(Action.LOGICAL_DELETE), run))  # nothing left is fine too


def test_a_deletion_that_fails_is_an_error_and_can_be_repeated(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat, cloud: World
) -> None:
    drive(handler.execute(job(), run))
    cloud.faults.add(Fault(kind=FaultKind.FAIL, stack=NAME, action="DELETE", times=1))
    with pytest.raises(HandlerError, match="could not be deleted"):
        drive(handler.execute(job(Action.LOGICAL_DELETE), run))
    drive(handler.execute(job(Action.LOGICAL_DELETE), run))
    assert heat.find(NAME) is None


@pytest.mark.parametrize("kind", [FaultKind.LOST_REPLY, FaultKind.RESET])
def test_a_lost_answer_to_a_creation_makes_no_second_stack(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: World, kind: FaultKind
) -> None:
    cloud.faults.add(Fault(kind=kind, method="POST", path="*/stacks", times=1))
    outcome = drive(handler.execute(job(), run))
    assert written(outcome, KEY)["stack_status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("kind", [FaultKind.LOST_REPLY, FaultKind.RESET])
def test_a_lost_answer_to_an_update_is_found_out(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: World, kind: FaultKind
) -> None:
    drive(handler.execute(job(), run))
    cloud.faults.add(Fault(kind=kind, method="PUT", times=1))
    outcome = drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    assert {o["output_key"]: o["output_value"] for o in written(outcome, KEY)["output"]}[
        "flavour"
    ] == "hot"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_reads_are_repeated_while_heat_is_not_well(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: World, project: str, status: int
) -> None:
    cloud.faults.add(Fault(kind=FaultKind.STATUS, method="GET", status=status, times=3))
    drive(handler.execute(job(), run))
    assert creations(cloud, project) == 1


def test_what_heat_refuses_fails_at_once_in_heat_s_words(
    handler: HeatHandler, run: Run, job: MakeJob
) -> None:
    with pytest.raises(HandlerError, match="colour"):
        drive(handler.execute(job(colour="red"), run))


def test_a_stack_that_never_ends_is_given_up_after_the_job_s_time(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: World
) -> None:
    handler._grace = 0.5 - 60  # the stack's own time is a minute
    cloud.faults.add(Fault(kind=FaultKind.HANG, stack=NAME))
    with pytest.raises(HandlerTimeout, match="CREATE_IN_PROGRESS"):
        drive(handler.execute(job(heat_timeout=1), run))


def test_reverting_a_creation_removes_the_stack(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat
) -> None:
    outcome = drive(handler.execute(job(), run))
    undone = drive(handler.revert(job(), run, outcome))
    assert heat.find(NAME) is None
    assert written(undone, KEY)["stack_status"] == "DELETE_COMPLETE"
    assert written(undone, RECORD) is None


def test_reverting_a_modify_brings_the_previous_shape_back(
    handler: HeatHandler, run: Run, job: MakeJob, records: Records
) -> None:
    first = drive(handler.execute(job(flavour="cold"), run))
    records.request = written(first, RECORD)
    second = drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    records.request = written(second, RECORD)
    undone = drive(handler.revert(job(Action.MODIFY), run, second))
    outputs = {o["output_key"]: o["output_value"] for o in written(undone, KEY)["output"]}
    assert outputs["flavour"] == "cold"
    assert written(undone, RECORD) == written(first, RECORD)


def test_reverting_a_modify_that_failed_brings_the_previous_shape_back(
    handler: HeatHandler, run: Run, job: MakeJob, records: Records, cloud: World
) -> None:
    first = drive(handler.execute(job(flavour="cold"), run))
    records.request = written(first, RECORD)
    cloud.faults.add(Fault(kind=FaultKind.FAIL, stack=NAME, action="UPDATE", times=1))
    with pytest.raises(HandlerError):
        drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    undone = drive(handler.revert(job(Action.MODIFY), run, None))
    outputs = {o["output_key"]: o["output_value"] for o in written(undone, KEY)["output"]}
    assert outputs["flavour"] == "cold"


@pytest.mark.parametrize("failed", [False, True])
def test_reverting_a_modify_leaves_a_stack_whose_previous_shape_nobody_recorded(
    handler: HeatHandler, run: Run, job: MakeJob, records: Records, heat: Heat, failed: bool
) -> None:
    drive(handler.execute(job(), run))
    # made before requests were recorded, by whom ever
    records.stack = HeatStack(
        id="network:n1", name=NAME, tenant_id="", stack_status="CREATE_COMPLETE"
    )
    outcome = drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    with pytest.raises(HandlerError, match="not recorded"):
        drive(handler.revert(job(Action.MODIFY), run, None if failed else outcome))
    assert found(heat).status == "UPDATE_COMPLETE"


def test_reverting_a_modify_of_what_was_deleted_removes_the_stack(
    handler: HeatHandler, run: Run, job: MakeJob, records: Records, heat: Heat
) -> None:
    records.stack = HeatStack(
        id="network:n1", name="", tenant_id="", stack_status="DELETE_COMPLETE"
    )
    outcome = drive(handler.execute(job(Action.MODIFY), run))
    drive(handler.revert(job(Action.MODIFY), run, outcome))
    assert heat.find(NAME) is None


def test_reverting_what_never_ran_is_harmless(
    handler: HeatHandler, run: Run, job: MakeJob, heat: Heat
) -> None:
    drive(handler.revert(job(), run, None))
    assert heat.find(NAME) is None
