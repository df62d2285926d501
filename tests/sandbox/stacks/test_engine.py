"""What becomes of stacks, seen through python-heatclient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from heatclient import exc

from esi_flows.sandbox.cloud import Cloud
from esi_flows.sandbox.errors import NotFound
from esi_flows.sandbox.faults import Fault, FaultKind
from esi_flows.sandbox.stacks.engine import Engine
from esi_flows.sandbox.stacks.records import Records
from esi_flows.sandbox.stacks.request import parse_request

ONE = "resources:\n  a: {type: OS::Heat::TestResource}\n"
FAILING = "resources:\n  a: {type: OS::Heat::TestResource, properties: {fail: true}}\n"
CHAIN = """
resources:
  a: {type: OS::Heat::TestResource}
  b: {type: OS::Heat::TestResource, depends_on: a, properties: {fail: true}}
  c: {type: OS::Heat::TestResource, depends_on: b}
outputs:
  a: {value: {get_attr: [a, output]}}
  c: {value: {get_attr: [c, output]}}
"""


def test_a_stack_is_in_progress_for_the_recorded_time_and_then_complete(
    heat: Any, clock: Any, stacks: Any
) -> None:
    heat.stacks.create(stack_name="network_1", template="heat_template_version: 2013-05-23\n" + ONE)
    assert stacks.state("network_1") == ("CREATE_IN_PROGRESS", "Stack CREATE started")
    clock.advance(1.09)
    assert stacks.state("network_1")[0] == "CREATE_IN_PROGRESS"
    clock.advance(0.02)
    assert stacks.state("network_1") == (
        "CREATE_COMPLETE",
        "Stack CREATE completed successfully",
    )


def test_resources_are_made_one_after_the_other_in_the_order_of_their_needs(
    heat: Any, clock: Any, stacks: Any
) -> None:
    template = CHAIN.replace("fail: true", "fail: false")
    heat.stacks.create(
        stack_name="internet_gateway_1", template="heat_template_version: 2013-05-23\n" + template
    )
    clock.advance(15.4 / 2)
    assert stacks.resources("internet_gateway_1") == {
        "a": "CREATE_COMPLETE",
        "b": "CREATE_IN_PROGRESS",
        "c": "INIT_COMPLETE",
    }


def test_outputs_of_what_is_not_made_yet_are_null_without_an_error(
    heat: Any, clock: Any, stacks: Any
) -> None:
    template = CHAIN.replace("fail: true", "fail: false")
    heat.stacks.create(
        stack_name="internet_gateway_1", template="heat_template_version: 2013-05-23\n" + template
    )
    clock.advance(15.4 / 2)
    found = {o["output_key"]: o for o in heat.stacks.get("internet_gateway_1").outputs}
    assert found["a"]["output_value"] == "test_string"
    assert found["c"]["output_value"] is None
    assert "output_error" not in found["c"]


def test_the_first_resource_that_fails_ends_the_stack_with_heats_reason(stacks: Any) -> None:
    stacks.create(CHAIN)
    reason = "ValueError: resources.b: Test Resource failed b"
    assert stacks.state() == ("CREATE_FAILED", f"Resource CREATE failed: {reason}")
    assert stacks.resources() == {
        "a": "CREATE_COMPLETE",
        "b": "CREATE_FAILED",
        "c": "INIT_COMPLETE",
    }
    failed = stacks.heat.resources.get("s", "b")
    assert failed.resource_status_reason == reason


def test_a_failed_stack_is_repaired_by_an_update(stacks: Any) -> None:
    stacks.create(CHAIN)
    stacks.update(CHAIN.replace("fail: true", "fail: false"))
    assert stacks.state() == ("UPDATE_COMPLETE", "Stack successfully updated")
    assert set(stacks.resources().values()) == {"CREATE_COMPLETE"}


def test_an_update_makes_changes_and_removes_only_what_differs(stacks: Any) -> None:
    stacks.create(
        "resources:\n"
        "  kept: {type: OS::Heat::RandomString}\n"
        "  changed: {type: OS::Heat::TestResource, properties: {value: one}}\n"
        "  gone: {type: OS::Heat::TestResource}\n"
        "outputs: {kept: {value: {get_attr: [kept, value]}}}\n"
    )
    random = stacks.outputs()["kept"]
    stacks.update(
        "resources:\n"
        "  kept: {type: OS::Heat::RandomString}\n"
        "  changed: {type: OS::Heat::TestResource, properties: {value: two}}\n"
        "  new: {type: OS::Heat::TestResource}\n"
        "outputs:\n"
        "  kept: {value: {get_attr: [kept, value]}}\n"
        "  changed: {value: {get_attr: [changed, output]}}\n"
    )
    assert stacks.resources() == {
        "kept": "CREATE_COMPLETE",
        "changed": "UPDATE_COMPLETE",
        "new": "CREATE_COMPLETE",
    }
    assert stacks.outputs() == {"kept": random, "changed": "two"}


def test_a_property_that_cannot_be_changed_gives_another_resource(stacks: Any) -> None:
    template = "resources: {a: {type: OS::Heat::RandomString, properties: {salt: %s}}}\n"
    stacks.create(template % "one")
    before = stacks.heat.resources.get("s", "a").physical_resource_id
    stacks.update(template % "two")
    assert stacks.heat.resources.get("s", "a").physical_resource_id != before


def test_an_update_that_changes_nothing_is_still_an_update(stacks: Any) -> None:
    stacks.create(ONE)
    stacks.update(ONE)
    assert stacks.state()[0] == "UPDATE_COMPLETE"


def test_an_update_keeps_the_resources_that_still_match_while_in_progress(
    heat: Any, clock: Any, stacks: Any
) -> None:
    body = "heat_template_version: 2013-05-23\n"
    heat.stacks.create(stack_name="internet_gateway_1", template=body + ONE)
    clock.advance(1)
    two = ONE.replace("}", ", properties: {value: two}}")
    heat.stacks.update("internet_gateway_1", template=body + two)
    assert stacks.state("internet_gateway_1")[0] == "UPDATE_IN_PROGRESS"
    clock.advance(14.5)
    assert stacks.state("internet_gateway_1")[0] == "UPDATE_IN_PROGRESS", "it began anew"
    clock.advance(1)
    assert stacks.state("internet_gateway_1")[0] == "UPDATE_COMPLETE"


def test_a_patch_keeps_template_and_parameters_that_are_not_given(stacks: Any) -> None:
    stacks.create(
        "parameters:\n  p: {type: string}\n  q: {type: string}\n"
        "outputs:\n  o: {value: [{get_param: p}, {get_param: q}]}\n",
        parameters={"p": "1", "q": "2"},
    )
    stacks.heat.stacks.update("s", existing=True, parameters={"q": "3"})
    stacks.clock.advance(600)
    assert stacks.outputs() == {"o": ["1", "3"]}


def test_a_deleted_stack_is_gone_by_name_and_told_by_id(heat: Any, clock: Any, stacks: Any) -> None:
    stack_id = stacks.create(ONE)
    heat.stacks.delete("s")
    assert stacks.state() == ("DELETE_IN_PROGRESS", "Stack DELETE started")
    heat.stacks.delete("s")  # once more does no harm
    clock.advance(600)
    with pytest.raises(exc.HTTPNotFound, match=r"The Stack \(s\) could not be found\."):
        heat.stacks.get("s")
    assert heat.stacks.get(stack_id).stack_status == "DELETE_COMPLETE"
    with pytest.raises(exc.HTTPNotFound):
        heat.stacks.delete(stack_id)


def test_a_name_is_taken_until_the_deletion_is_over(heat: Any, clock: Any, stacks: Any) -> None:
    stacks.create(ONE)
    with pytest.raises(exc.HTTPConflict, match=r"The Stack \(s\) already exists\."):
        stacks.create(ONE)
    heat.stacks.delete("s")
    with pytest.raises(exc.HTTPConflict):
        heat.stacks.create(stack_name="s", template="heat_template_version: 2013-05-23\n")
    clock.advance(600)
    stacks.create(ONE)
    assert stacks.state()[0] == "CREATE_COMPLETE"


def test_the_same_name_in_two_projects_is_two_stacks(connect: Callable[..., Any]) -> None:
    template = "heat_template_version: 2013-05-23\n" + ONE
    ids = {
        connect(project_id=project).stacks.create(stack_name="s", template=template)["stack"]["id"]
        for project in ("one", "two")
    }
    assert len(ids) == 2


def test_a_stack_being_deleted_cannot_be_updated(heat: Any, stacks: Any) -> None:
    stacks.create(ONE)
    heat.stacks.delete("s")
    with pytest.raises(
        exc.HTTPBadRequest, match="Updating a stack when it is deleting is not supported"
    ):
        stacks.update(ONE)


def test_a_time_out_ends_the_operation_with_heats_reason(stacks: Any, cloud: Cloud) -> None:
    cloud.faults.add(Fault(kind=FaultKind.SLOW, seconds=100))
    stacks.create(ONE, timeout_mins=1)
    assert stacks.state() == ("CREATE_FAILED", "Timed out")


def test_a_time_out_of_zero_is_none(stacks: Any, cloud: Cloud) -> None:
    cloud.faults.add(Fault(kind=FaultKind.SLOW, seconds=100))
    stacks.create(ONE, timeout_mins=0)
    assert stacks.state()[0] == "CREATE_COMPLETE"


def test_a_failed_creation_rolls_back_where_asked_for(stacks: Any) -> None:
    stacks.create(CHAIN, disable_rollback=False)
    assert stacks.state() == ("ROLLBACK_COMPLETE", "Stack ROLLBACK completed successfully")
    assert stacks.resources() == {}


def test_a_failed_update_rolls_back_to_what_was_before(stacks: Any) -> None:
    template = "resources: {a: {type: OS::Heat::TestResource, properties: {value: %s}}}\n%s"
    output = "outputs: {o: {value: {get_attr: [a, output]}}}\n"
    stacks.create(template % ("one", output), disable_rollback=False)
    stacks.update(template % ("two, fail: true", output), disable_rollback=False)
    assert stacks.state()[0] == "ROLLBACK_COMPLETE"
    assert stacks.outputs() == {"o": "one"}


def test_a_failed_update_stays_without_rollback(stacks: Any) -> None:
    stacks.create(ONE)
    stacks.update(FAILING)
    assert stacks.state() == (
        "UPDATE_FAILED",
        "Resource UPDATE failed: ValueError: resources.a: Test Resource failed a",
    )


def test_cancelling_an_update_goes_back(heat: Any, clock: Any, stacks: Any) -> None:
    stacks.create(ONE + "outputs: {o: {value: {get_attr: [a, output]}}}\n")
    heat.stacks.update(
        "s",
        template="heat_template_version: 2013-05-23\n"
        + ONE.replace("}", ", properties: {value: two, wait_secs: 100}}"),
    )
    heat.actions.cancel_update("s")
    assert stacks.state()[0] == "ROLLBACK_IN_PROGRESS"
    clock.advance(600)
    assert stacks.state()[0] == "ROLLBACK_COMPLETE"
    assert stacks.outputs() == {"o": "test_string"}


def test_cancelling_without_rollback_leaves_a_failed_update(heat: Any, stacks: Any) -> None:
    stacks.create(ONE)
    heat.stacks.update("s", template="heat_template_version: 2013-05-23\n" + FAILING)
    heat.actions.cancel_without_rollback("s")
    assert stacks.state() == ("UPDATE_FAILED", "Stack UPDATE cancelled")


def test_there_is_nothing_to_cancel_without_an_update(heat: Any, stacks: Any) -> None:
    stacks.create(ONE)
    with pytest.raises(
        exc.HTTPBadRequest, match="Cancelling update when stack is CREATE_COMPLETE is not supported"
    ):
        heat.actions.cancel_update("s")


@pytest.mark.parametrize("action", ["check", "suspend", "resume"])
def test_other_actions_leave_the_resources_and_end_well(
    heat: Any, clock: Any, stacks: Any, action: str
) -> None:
    stacks.create(ONE)
    getattr(heat.actions, action)("s")
    clock.advance(600)
    name = action.upper()
    assert stacks.state() == (f"{name}_COMPLETE", f"Stack {name} completed successfully")
    assert stacks.resources() == {"a": f"{name}_COMPLETE"}


def test_an_action_waits_for_nobody(heat: Any, stacks: Any) -> None:
    stacks.create(ONE)
    heat.stacks.delete("s")
    with pytest.raises(exc.HTTPConflict, match=r"already has an action \(DELETE\) in progress"):
        heat.actions.check("s")


def test_events_tell_the_story_latest_first(heat: Any, stacks: Any) -> None:
    stacks.create(FAILING)
    told = [(e.resource_name, e.resource_status) for e in heat.events.list("s")]
    assert told == [
        ("s", "CREATE_FAILED"),
        ("a", "CREATE_FAILED"),
        ("a", "CREATE_IN_PROGRESS"),
        ("s", "CREATE_IN_PROGRESS"),
    ]
    failed = heat.events.list("s", resource_name="a")[0]
    assert heat.events.get("s", "a", failed.id).resource_status_reason == (
        "ValueError: resources.a: Test Resource failed a"
    )


@pytest.mark.timeout(20)
def test_five_thousand_stacks_stay_quick(tmp_path: Path, clock: Any) -> None:
    records = Records(tmp_path / "stacks.sqlite")
    engine = Engine(records, clock=clock)
    request = parse_request({"template": "heat_template_version: 2013-05-23\n" + ONE})
    for number in range(5000):
        engine.create(name=f"s{number}", project_id="many", owner="admin", request=request)
    clock.advance(600)
    assert {stack.state for stack in engine.all("many")} == {"CREATE_COMPLETE"}
    for _ in range(5000):
        assert engine.find("many", "s2500").name == "s2500"
    records.close()


def test_stacks_deleted_long_ago_are_forgotten(tmp_path: Path, clock: Any) -> None:
    records = Records(tmp_path / "stacks.sqlite")
    engine = Engine(records, clock=clock)
    request = parse_request({"template": "heat_template_version: 2013-05-23\n"})
    old = engine.create(name="old", project_id="p", owner="admin", request=request)
    engine.delete(old.id)
    clock.advance(600)
    assert engine.get(old.id).state == "DELETE_COMPLETE"
    clock.advance(3600)
    engine.create(name="new", project_id="p", owner="admin", request=request)
    with pytest.raises(NotFound):
        engine.get(old.id)
    assert [stack.name for stack in records.load()] == ["new"]
    records.close()
