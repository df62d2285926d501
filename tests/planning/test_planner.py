from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.types import Deployment
from esi_flows.model import codec, keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.planning.document import plan_document
from esi_flows.planning.planner import plan_deployment, plan_resource
from esi_flows.planning.types import Change, Kind, Plan, Reason, Rule, Wait
from esi_flows.store.base import Store
from tests.planning.conftest import (
    NETWORK,
    NETWORK_HOT,
    PORT,
    TAG,
    Past,
    deployment,
    wanted,
)

BLUE: dict[str, Any] = {"name": "blue", "vlan": 7, "pin": "opensesame"}
ADDRESS: dict[str, Any] = {"network_id": "n1", "address": "10.0.0.1"}


def both() -> Deployment:
    return deployment([wanted(NETWORK, **BLUE), wanted(PORT, **ADDRESS)])


def of(plan: Plan, resource: ResourceRef, step: int = 0) -> Change:
    [change] = [c for c in plan.steps[step].changes if c.resource == resource]
    return change


def parameters(change: Change, job: str) -> dict[str, tuple[Any, Any]]:
    [found] = [j for j in change.jobs if j.name == job]
    return {p.name: (p.old, p.new) for p in found.parameters}


def test_what_is_not_there_is_created_and_waits_for_what_it_reads(
    store: Store, catalog: Catalog
) -> None:
    plan = plan_deployment(store, catalog, both())
    network, port = plan.steps[0].changes
    assert (network.kind, network.version, network.writes) == (Kind.CREATE, 1, True)
    assert [job.name for job in network.jobs] == ["create:heat_worker", "create:monitoring_worker"]
    assert network.waits == ()
    reads = Reason(Rule.READS, ("jinja_network_uuid", "network_name"))
    assert port.waits == (Wait("network:n1:1", ("create:heat_worker",), (reads,)),)
    assert network.cancels == ("port:p1:1",)
    assert port.where == "d/p1.yaml:1"


def test_outputs_still_to_come_appear_by_name(store: Store, catalog: Catalog) -> None:
    port = of(plan_deployment(store, catalog, both()), PORT)
    assert parameters(port, "create:heat_worker")["jinja_network_uuid"] == (None, "network:n1#id")
    [job] = port.jobs
    assert job.template is not None
    assert job.template.difference == ("+network: network:n1#id", "+address: 10.0.0.1")
    assert job.template.unknown == ("network:n1#id",)


def test_a_change_shows_old_and_new_and_what_becomes_of_the_template(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.made(NETWORK, template=NETWORK_HOT.replace("{{ jinja_name }}", "blue"), **BLUE)
    plan = plan_deployment(
        store, catalog, deployment([wanted(NETWORK, **{**BLUE, "name": "red", "vlan": 8})])
    )
    network = of(plan, NETWORK)
    assert (network.kind, network.previous, network.version) == (Kind.MODIFY, 1, 2)
    assert [job.name for job in network.jobs] == [
        "delete:monitoring_worker",
        "modify:heat_worker",
        "create:monitoring_worker",
    ]
    assert parameters(network, "delete:monitoring_worker") == {}
    assert parameters(network, "modify:heat_worker") == {
        "jinja_name": ("blue", "red"),
        "vlan": (7, 8),
    }
    assert parameters(network, "create:monitoring_worker") == {"name": ("blue", "red")}
    template = network.jobs[1].template
    assert template is not None
    assert template.difference[:2] == ("--- sent last", "+++ to be sent")
    assert [line for line in template.difference[3:] if line[0] != " "] == [
        "-name: blue",
        "+name: red",
    ]


def test_recorded_outputs_are_used_where_nothing_changes_them(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.made(NETWORK, template="", outputs={"id": "uuid-1"}, **BLUE)
    port = of(plan_deployment(store, catalog, both()), PORT)
    assert port.jobs[0].template is not None
    assert port.jobs[0].template.difference[0] == "+network: uuid-1"
    assert port.jobs[0].template.unknown == ()
    assert port.waits == ()


def test_a_template_that_needs_what_nobody_makes_says_so(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.made(NETWORK, template="", outputs={"fq_name": "n"}, **BLUE)
    port = of(plan_deployment(store, catalog, both()), PORT)
    assert port.jobs[0].template is not None
    assert "stack of network:n1 has no output 'id'" in port.jobs[0].template.problem


def test_steps_rest_on_the_good_end_of_those_before(store: Store, catalog: Catalog) -> None:
    plan = plan_deployment(
        store,
        catalog,
        deployment(
            [wanted(NETWORK, **BLUE), wanted(PORT, **ADDRESS)],
            [wanted(PORT, **{**ADDRESS, "address": "10.0.0.2"})],
        ),
    )
    port = of(plan, PORT, step=1)
    assert (port.kind, port.previous, port.version) == (Kind.MODIFY, 1, 2)
    assert port.waits == ()
    assert parameters(port, "modify:heat_worker") == {"jinja_address": ("10.0.0.1", "10.0.0.2")}
    assert port.jobs[0].template is not None
    assert [line for line in port.jobs[0].template.difference[3:] if line[0] != " "] == [
        "-address: 10.0.0.1",
        "+address: 10.0.0.2",
    ]


def test_two_steps_over_a_resource_that_others_read_wait_as_the_rules_say(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.intent(NETWORK, **BLUE)
    past.intent(PORT, **ADDRESS)
    plan = plan_deployment(store, catalog, deployment([wanted(NETWORK, **{**BLUE, "name": "red"})]))
    rules = {wait.group: wait.reasons for wait in of(plan, NETWORK).waits}
    assert rules == {
        "network:n1:1": (Reason(Rule.SAME),),
        "port:p1:1": (Reason(Rule.READ_BY, ("jinja_network_uuid", "network_name")),),
    }
    assert plan.pending == (PORT,)


def test_what_is_as_wanted_stays(store: Store, catalog: Catalog, past: Past) -> None:
    past.made(NETWORK, **BLUE)
    past.made(PORT, **ADDRESS)
    plan = plan_deployment(store, catalog, both())
    assert {change.kind for change in plan.changes()} == {Kind.NOTHING}
    assert plan.does_nothing


def test_what_is_in_the_store_and_not_begun_is_told_with_its_jobs(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.intent(NETWORK, **BLUE)
    network = of(plan_deployment(store, catalog, both()), NETWORK)
    assert (network.kind, network.writes) == (Kind.CREATE, False)
    assert len(network.jobs) == 2
    assert "in the store already" in network.note
    alone = of(plan_resource(store, catalog, NETWORK), NETWORK)
    assert (alone.kind, alone.jobs) == (network.kind, network.jobs)


def test_what_failed_is_tried_again_in_a_new_version(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.made(NETWORK, error="no luck", **BLUE)
    network = of(plan_deployment(store, catalog, deployment([wanted(NETWORK, **BLUE)])), NETWORK)
    assert (network.version, network.note) == (2, "again: its last version failed")
    assert "failed" in of(plan_resource(store, catalog, NETWORK), NETWORK).note


def test_what_needs_a_later_step_waits_for_that_step(
    store: Store, catalog: Catalog, past: Past
) -> None:
    other = ResourceRef("network", "n2")
    past.made(NETWORK, **BLUE)
    past.made(PORT, network_id="n1", address="from before")
    moved = {**ADDRESS, "network_id": "n2"}
    plan = plan_deployment(
        store,
        catalog,
        deployment([wanted(PORT, **ADDRESS)], [wanted(other, **BLUE), wanted(PORT, **moved)]),
    )
    early, late = of(plan, PORT), of(plan, PORT, step=1)
    assert (early.kind, early.version) == (Kind.NOTHING, 1)
    assert early.note == "changed in a later step, which brings what it refers to"
    assert (late.kind, late.version) == (Kind.MODIFY, 2)
    assert parameters(late, "modify:heat_worker")["jinja_address"] == ("from before", "10.0.0.1")


@pytest.mark.parametrize(
    ("template", "outputs", "how"),
    [
        ("was: sent", {}, "update the stack back"),
        (None, {}, "leave the stack as it is, since what it was before is not recorded"),
        (None, None, "delete the stack"),
    ],
)
def test_what_undoing_means_for_a_stack_depends_on_what_is_recorded_of_it(
    store: Store,
    catalog: Catalog,
    past: Past,
    template: str | None,
    outputs: dict[str, Any] | None,
    how: str,
) -> None:
    past.made(NETWORK, template=template, outputs=outputs, **BLUE)
    plan = plan_deployment(store, catalog, deployment([wanted(NETWORK, **{**BLUE, "vlan": 8})]))
    create = of(plan, NETWORK).jobs[2]
    assert [(undo.job, undo.how) for undo in create.reverts] == [
        ("create:monitoring_worker", "nothing to undo"),
        ("modify:heat_worker", how),
        ("delete:monitoring_worker", "add the targets again"),
    ]
    assert of(plan, NETWORK).jobs[0].reverts == ()


def test_what_has_been_deleted_says_how_to_be_rid_of_it(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.made(TAG, 2, deleted=True)
    change = of(plan_resource(store, catalog, TAG), TAG)
    assert change.kind is Kind.NOTHING
    assert change.note == "has been deleted; esi-flows delete tag:t1 removes its intent"


def test_a_change_without_jobs_is_one_all_the_same(store: Store, catalog: Catalog) -> None:
    tag = of(plan_deployment(store, catalog, deployment([wanted(TAG)])), TAG)
    assert (tag.kind, tag.jobs, tag.note) == (Kind.CREATE, (), "no handler has a part in it")


def test_a_refused_intent_is_told_as_the_compiler_does_and_blocks_the_next_step(
    store: Store, catalog: Catalog
) -> None:
    plan = plan_deployment(
        store,
        catalog,
        deployment([wanted(PORT, address="10.0.0.1")], [wanted(NETWORK, **BLUE)]),
    )
    port = of(plan, PORT)
    assert port.kind is Kind.REFUSED
    assert port.note.startswith("port:p1, parameter jinja_network_uuid of port")
    assert "names no network" in port.note
    assert plan.refused
    assert plan.steps[1].blocked == "port:p1 is refused"
    assert plan.steps[1].changes == ()


def test_what_apply_refuses_is_refused_with_all_findings(store: Store, catalog: Catalog) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_deployment(store, catalog, deployment([wanted(PORT, network_id="n9")]))
    assert "neither in the deployment nor in the store" in str(refused.value.findings[0])


def test_an_intent_in_the_store_that_was_missing_something_begins_when_that_comes(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.intent(PORT, **ADDRESS)
    plan = plan_deployment(store, catalog, deployment([wanted(NETWORK, **BLUE)]))
    port = of(plan, PORT)
    assert (port.kind, port.writes) == (Kind.CREATE, False)
    assert [wait.group for wait in port.waits] == ["network:n1:1"]
    assert of(plan, NETWORK).cancels == ("port:p1:1",)


def test_deleting_is_planned_unless_it_is_referred_to(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.made(NETWORK, template="", **BLUE)
    network = of(plan_resource(store, catalog, NETWORK, delete=True), NETWORK)
    assert (network.kind, network.version) == (Kind.DELETE, 2)
    assert [job.name for job in network.jobs] == [
        "delete:monitoring_worker",
        "logical_delete:heat_worker",
    ]
    past.made(PORT, **ADDRESS)
    with pytest.raises(InvalidInput, match="in use"):
        plan_resource(store, catalog, NETWORK, delete=True)


def test_what_is_not_in_the_store_cannot_be_planned_by_name(store: Store, catalog: Catalog) -> None:
    with pytest.raises(InvalidInput, match="not in the store"):
        plan_resource(store, catalog, NETWORK)


def test_times_are_medians_of_recorded_groups_along_the_longest_chain(
    store: Store, catalog: Catalog, past: Past
) -> None:
    for version, seconds in enumerate((1.0, 2.0, 9.0), start=1):
        past.took(ResourceRef("network", "other"), Action.CREATE, seconds, version=version)
    past.took(ResourceRef("network", "other"), Action.MODIFY, 50.0, version=4)
    plan = plan_deployment(store, catalog, both())
    assert of(plan, NETWORK).seconds == 2.0
    assert of(plan, PORT).seconds is None
    assert plan_document(plan)["totals"]["seconds"] is None
    past.took(ResourceRef("port", "other"), Action.CREATE, 3.0, version=1)
    assert plan_document(plan_deployment(store, catalog, both()))["totals"]["seconds"] == 5.0


def test_secrets_are_nowhere_in_the_document(store: Store, catalog: Catalog, past: Past) -> None:
    past.made(NETWORK, template="key: opensesame\n", **{**BLUE, "pin": "oldsecret"})
    plan = plan_deployment(store, catalog, both())
    text = codec.dumps(plan_document(plan)).decode()
    assert "opensesame" not in text
    assert "oldsecret" not in text
    [change] = [p for p in of(plan, NETWORK).jobs[1].parameters if p.name == "key"]
    assert (change.old, change.new, change.secret) == ("********", "********", True)


def test_a_plan_rests_on_everything_that_it_looked_at(
    store: Store, catalog: Catalog, past: Past
) -> None:
    past.made(NETWORK, template="", outputs={"id": "uuid-1"}, **BLUE)
    plan = plan_deployment(store, catalog, deployment([wanted(PORT, **ADDRESS)]))
    for key in ("/config/v2.0/networks/n1", "/esi-worker/heat_stacks/v2.0/networks/n1"):
        found = store.get(key)
        assert found is not None
        assert plan.rests_on[key] == found.mod_revision
    for root in (keys.CONFIG, keys.MEMO, keys.STATE, keys.STACKS):
        assert plan.rests_on[f"{root}v2.0/ports/p1"] == 0


def test_planning_writes_nothing(
    store: Store, catalog: Catalog, past: Past, revision: Callable[[], int]
) -> None:
    past.intent(PORT, **ADDRESS)
    before = revision()
    plan_deployment(store, catalog, both())
    plan_resource(store, catalog, PORT)
    plan_resource(store, catalog, PORT, delete=True)
    assert revision() == before
