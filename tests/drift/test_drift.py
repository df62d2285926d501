"""Drift is found and repaired: a real etcd, a conductor, and a cloud that is changed behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from heatclient import client as heat_client

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.deployments.apply import Applier
from esi_flows.deployments.follow import Follower
from esi_flows.deployments.loader import load_deployment
from esi_flows.deployments.progress import Followed
from esi_flows.drift.look import look
from esi_flows.drift.types import Kind, Report
from esi_flows.handlers.base import Handler
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.handlers.heat.poller import StackPoller
from esi_flows.handlers.heat.view import HeatView
from esi_flows.handlers.monitoring import MonitoringHandler
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.steering import Order, Pause, Want
from esi_flows.sandbox.faults import Fault, FaultKind
from esi_flows.steering.repair import repair
from esi_flows.steering.service import pause
from esi_flows.store.base import Store
from tests.cloud.plugin import BOTH, TENANT, World
from tests.clouds import clouds_of, empty, sessions_of

FLOWS = Path(__file__).parents[2] / "flows"
NETWORK = ResourceRef("network", "9dd2540c-934c-4db7-bc33-83059bf6905d")
SUBNET = ResourceRef("subnet", "e42524f9-80ab-49d3-92e6-948c82c0bc88")
CATALOG = load_catalog(FLOWS)
STACKS = 5
SECONDS = 60

pytestmark = pytest.mark.etcd


def _name(resource: ResourceRef) -> str:
    return f"{resource.type}_{resource.id}"


@dataclass(frozen=True)
class Deployed:
    """A deployment that has ended well, and the means to look at it and to change it."""

    store: Store
    cloud: World
    catalog: Catalog
    heat: Any

    def look(self, *, meanwhile: Callable[[], object] = lambda: None, **options: Any) -> Report:
        """``meanwhile`` is called when the store has been read, and Heat not been asked."""
        sessions = sessions_of(self.cloud)
        region = self.cloud.environment()["OS_REGION_NAME"]

        def view(project: str) -> HeatView:
            meanwhile()
            return HeatView(sessions(project), region_name=region)

        return look(self.store, self.catalog, view, **options)

    def found(self, **options: Any) -> dict[ResourceRef, list[Kind]]:
        """The kinds of drift by resource, once nothing is under way."""
        report = self.look(**options)
        assert (report.busy, report.unseen) == ((), ())
        return {each.resource: [d.kind for d in each.differences] for each in report.drifted}

    def change(self, resource: ResourceRef, edit: Callable[[dict[str, Any]], None]) -> None:
        """Update a stack behind our back, with what it has after ``edit``."""
        name = _name(resource)
        wanted = {
            "template": self.heat.stacks.template(name),
            "parameters": self.heat.stacks.environment(name)["parameters"],
        }
        edit(wanted)
        self.heat.stacks.update(name, **wanted)
        self.until_settled(name)

    def until_settled(self, name: str, *, deleting: bool = False) -> None:
        poller = StackPoller(clouds_of(self.cloud), min_seconds=0.05, max_seconds=0.2)
        poller.start()
        deadline = time.monotonic() + SECONDS
        poller.settled(TENANT, name, deadline=deadline, deleting=deleting).result()
        poller.stop()

    def repair(self, resource: ResourceRef) -> GroupRecord:
        """Order it, and wait for its end; the record then."""
        order = Order(want=Want.RETRY, by="alice@host", at=1.0, reason="repair of drift")
        before = repair(self.store, self.catalog, resource, order)
        followed = Followed(resource, before.version, instead_of=before.posted_at)
        with Follower(self.store, self.catalog) as follower:
            follower.follow([followed], show=lambda board, moved: None)
        found = self.store.get(keys.group(before.name))
        assert found is not None
        return GroupRecord.decode(found.key, found.value)


@pytest.fixture
def deployed(store: Store, cloud: World) -> Iterator[Deployed]:
    empty(cloud)
    clouds = clouds_of(cloud)
    poller = StackPoller(clouds, min_seconds=0.02, max_seconds=0.2)
    poller.start()
    heat = HeatHandler(clouds, poller, grace_seconds=SECONDS)
    handlers: dict[str, Handler] = {"heat_worker": heat, "monitoring_worker": MonitoringHandler()}
    conductor = Conductor(store, CATALOG, handlers, ConductorSettings())
    conductor.start()
    deployment = load_deployment(FLOWS / "deployments" / "logical_network", CATALOG)
    applier = Applier(store, CATALOG, deployment)
    with Follower(store, CATALOG) as follower:
        for index in range(len(deployment.steps)):
            opened = applier.apply_step(index).open
            followed = [Followed(d.wanted.resource, d.version) for d in opened]
            board = follower.follow(followed, show=lambda board, moved: None)
            assert not any(p.phase.bad for p in board.resources.values())
    session = sessions_of(cloud)(TENANT)
    region = cloud.environment()["OS_REGION_NAME"]
    client = heat_client.Client(
        "1", session=session, service_type="orchestration", region_name=region
    )
    yield Deployed(store, cloud, CATALOG, client)
    conductor.stop()
    heat.close()


@BOTH
def test_what_was_just_deployed_has_no_drift_and_only_gets_are_asked(deployed: Deployed) -> None:
    before = len(deployed.cloud.journal.entries())
    report = deployed.look()
    assert report.drifted == report.unseen == ()
    assert len(report.looked) == STACKS
    asked = deployed.cloud.journal.entries()[before:]
    assert {e.method for e in asked if not e.path.endswith("/auth/tokens")} == {"GET"}
    of_heat = [e for e in asked if "/stacks" in e.path]
    assert len([e for e in of_heat if e.path.endswith("/stacks")]) == 1
    assert len(of_heat) == 1 + 3 * STACKS


@BOTH
def test_drift_of_every_kind_is_found_and_repaired(deployed: Deployed) -> None:
    deployed.change(NETWORK, lambda wanted: wanted["parameters"].update(admin_state_up="false"))
    deployed.heat.stacks.delete(_name(SUBNET))
    deployed.until_settled(_name(SUBNET), deleting=True)
    assert deployed.found() == {NETWORK: [Kind.PARAMETERS], SUBNET: [Kind.MISSING]}
    for resource in (NETWORK, SUBNET):
        record = deployed.repair(resource)
        assert record.state is GroupState.SUCCESS
        assert [(o.by, o.reason) for o in record.orders] == [("alice@host", "repair of drift")]
    assert deployed.found() == {}


@BOTH
def test_a_changed_template_is_shown_line_by_line(deployed: Deployed) -> None:
    deployed.change(NETWORK, lambda wanted: wanted["template"].update(description="by hand"))
    (drifted,) = deployed.look(only=[NETWORK]).drifted
    (difference,) = drifted.differences
    assert difference.kind is Kind.TEMPLATE
    assert "+description: by hand" in difference.lines
    assert deployed.found(ignore=[Kind.TEMPLATE]) == {}


@BOTH
def test_values_that_mean_the_same_are_no_drift(deployed: Deployed) -> None:
    deployed.change(NETWORK, lambda wanted: wanted["parameters"].update(admin_state_up="True"))
    assert deployed.found() == {}


def test_a_failed_update_is_told_with_its_resource_and_repaired(deployed: Deployed) -> None:
    fault = Fault(kind=FaultKind.FAIL, stack=_name(NETWORK), reason="no luck", times=1)
    deployed.cloud.faults.add(fault)
    deployed.change(NETWORK, lambda wanted: wanted["parameters"].update(admin_state_up="false"))
    (drifted,) = deployed.look().drifted
    assert [d.kind for d in drifted.differences] == [Kind.FAILED, Kind.PARAMETERS]
    assert "no luck" in drifted.differences[0].text
    assert deployed.repair(NETWORK).state is GroupState.SUCCESS
    assert deployed.found() == {}


@BOTH
def test_a_stack_named_as_ours_of_which_nothing_is_recorded_is_unknown(deployed: Deployed) -> None:
    template = {"heat_template_version": "2013-05-23"}
    deployed.heat.stacks.create(stack_name="network_stray", template=template)
    deployed.heat.stacks.create(stack_name="of-somebody-else", template=template)
    for name in ("network_stray", "of-somebody-else"):
        deployed.until_settled(name)
    assert deployed.found() == {ResourceRef("network", "stray"): [Kind.UNKNOWN]}


@BOTH
def test_a_heat_that_does_not_answer_is_told_and_is_no_drift(deployed: Deployed) -> None:
    deployed.cloud.faults.add(Fault(kind=FaultKind.STATUS, status=500, path="*/stacks"))
    report = deployed.look()
    assert report.drifted == ()
    assert len(report.unseen) == STACKS


def test_what_a_job_changes_while_heat_is_asked_is_no_drift(deployed: Deployed) -> None:
    deployed.change(NETWORK, lambda wanted: wanted["parameters"].update(admin_state_up="false"))
    report = deployed.look(meanwhile=lambda: deployed.repair(NETWORK))
    assert report.drifted == ()
    deployed.change(NETWORK, lambda wanted: wanted["parameters"].update(admin_state_up="false"))
    key = keys.stack_record(deployed.catalog.path(NETWORK))
    sent = deployed.store.get(key)
    assert sent is not None
    report = deployed.look(meanwhile=lambda: deployed.store.put(key, sent.value))
    assert (report.drifted, report.busy) == ((), (NETWORK,))


def test_two_repairs_at_once_are_one(deployed: Deployed) -> None:
    pause(deployed.store, Pause(by="bob@host", at=1.0))  # nothing ends before it is asked again
    order = Order(want=Want.RETRY, by="alice@host", at=1.0)
    repair(deployed.store, deployed.catalog, NETWORK, order)
    with pytest.raises(InvalidInput, match="is under way") as refused:
        repair(deployed.store, deployed.catalog, NETWORK, order)
    assert refused.value.hint == f"esi-flows status {NETWORK}"


def test_what_has_failed_is_for_retry(deployed: Deployed) -> None:
    found = deployed.store.get(keys.group(f"{SUBNET}:1"))
    assert found is not None
    record = GroupRecord.decode(found.key, found.value).but(state=GroupState.REVERTED)
    deployed.store.put(found.key, record.encode())
    with pytest.raises(InvalidInput, match="has not ended well") as refused:
        repair(deployed.store, deployed.catalog, SUBNET, Order(want=Want.RETRY, by="a", at=1.0))
    assert refused.value.hint == f"esi-flows retry {SUBNET} brings what is wanted"
