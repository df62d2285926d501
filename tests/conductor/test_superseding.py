"""A newer version of an intent takes the place of an older one that has not begun."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from esi_flows.conductor.service import Conductor
from esi_flows.history import courses
from esi_flows.model import keys
from esi_flows.model.groups import GroupState
from esi_flows.model.jobs import Job
from esi_flows.model.steering import Order, Want
from esi_flows.steering.orders import give
from tests.conductor.conftest import World, network, port
from tests.plugins import ListHandler

PORT = port("p1")


@pytest.fixture
def gate(world: World, heat: ListHandler, conductor: Conductor) -> Iterator[Future[None]]:
    """Holds a network that the port of version 1 waits for."""
    gate: Future[None] = Future()

    def held(job: Job) -> Future[None] | None:
        return gate if job.resource_type == "network" else None

    heat.waits_for = held
    world.want(network("n1"))
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    world.want(PORT, network_id="n1", name="one")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    yield gate
    if not gate.done():
        gate.set_result(None)


def test_what_waits_is_superseded_and_only_the_newer_one_runs(
    world: World, heat: ListHandler, gate: Future[None]
) -> None:
    world.want(PORT, 2, network_id="n1", name="two")
    older = world.until(keys.group("port:p1:1"), lambda d: d["state"] == "CANCELLED")
    assert older["error"] == "superseded by version 2"
    newer = world.group("port:p1:2")
    assert newer.action.value == "create"
    assert {job_id.split(":")[2] for job_id in newer.waits_for} == {"network"}
    assert world.read(keys.state(PORT)) is None
    gate.set_result(None)
    state = world.state(PORT, 2)
    assert (state["version"], state["error"]) == (2, "")
    assert [call for call in heat.calls if "port" in call] == [heat.calls[-1]]
    assert world.store.range(keys.JOBS).items == ()
    (course,) = courses.find(world.store, "port:p1:1")
    assert course.record.state is GroupState.CANCELLED


def test_so_is_a_modification_which_starts_from_what_is_there(
    world: World, heat: ListHandler, gate: Future[None]
) -> None:
    gate.set_result(None)
    world.state(PORT)
    second: Future[None] = Future()
    heat.waits_for = lambda job: second if job.resource_type == "network" else None
    world.want(network("n1"), 2)
    world.until(keys.group("network:n1:2"), lambda d: d is not None and d["state"] == "RUNNING")
    world.want(PORT, 2, network_id="n1", name="two")
    world.until(keys.group("port:p1:2"), lambda d: d is not None)
    world.want(PORT, 3, network_id="n1", name="three")
    world.until(keys.group("port:p1:2"), lambda d: d["state"] == "CANCELLED")
    assert world.group("port:p1:3").action.value == "modify"
    second.set_result(None)
    assert world.state(PORT, 3)["error"] == ""


def test_a_deletion_waits_its_turn(world: World, gate: Future[None]) -> None:
    world.want(PORT, 2, deleted=True, network_id="n1")
    world.until(keys.group("port:p1:2"), lambda d: d is not None)
    assert world.group("port:p1:1").state is GroupState.PENDING
    gate.set_result(None)
    assert world.state(PORT, 2)["error"] == ""
    assert world.group("port:p1:1").state is GroupState.SUCCESS


def test_what_another_group_waits_for_is_not_superseded(world: World, gate: Future[None]) -> None:
    world.want(network("n1"), 2)  # waits for the port, which reads it
    world.until(keys.group("network:n1:2"), lambda d: d is not None)
    world.want(PORT, 2, network_id="n1", name="two")
    world.until(keys.group("port:p1:2"), lambda d: d is not None)
    assert world.group("port:p1:1").state is GroupState.PENDING
    gate.set_result(None)
    assert world.state(PORT, 2)["error"] == ""
    assert world.group("port:p1:1").state is GroupState.SUCCESS


def test_what_somebody_has_steered_is_not_superseded(world: World, gate: Future[None]) -> None:
    give(world.store, "port:p1:1", Order(want=Want.SUSPEND, by="alice@h", at=1.0))
    world.want(PORT, 2, network_id="n1", name="two")
    world.until(keys.group("port:p1:2"), lambda d: d is not None)
    assert world.group("port:p1:1").state is not GroupState.CANCELLED
    give(world.store, "port:p1:1", Order(want=Want.RUN, by="alice@h", at=2.0))
    gate.set_result(None)
    assert world.state(PORT, 2)["error"] == ""
