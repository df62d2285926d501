"""Groups that no conductor can run wait in quarantine until somebody decides."""

from __future__ import annotations

import json
from concurrent.futures import Future

import pytest

from esi_flows.model import codec, keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.steering import quarantine
from esi_flows.store.base import Store
from tests.conductor.conftest import MakeConductor, World, network, port
from tests.plugins import ListHandler

GROUP = "network:n1:1"
RECORD = keys.group(GROUP)
ENTRY = keys.quarantine(RECORD)


def broken_off(world: World, make_conductor: MakeConductor, heat: ListHandler, times: int) -> None:
    """A group as the last of so many conductors has left it that died with it."""
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate
    conductor = make_conductor()
    world.want(network("n1"))
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    conductor.stop()
    heat.waits_for = lambda job: None
    left = world.group(GROUP).but(state=GroupState.RUNNING, interruptions=times - 1)
    world.store.put(RECORD, left.encode())


@pytest.fixture
def stuck(world: World, make_conductor: MakeConductor, heat: ListHandler) -> None:
    broken_off(world, make_conductor, heat, times=10)
    heat.calls.clear()
    make_conductor()
    world.until(ENTRY, lambda d: d is not None)


def test_a_group_that_is_broken_off_again_and_again_is_run_no_more(
    world: World, stuck: None, heat: ListHandler
) -> None:
    entry = quarantine.find(world.store, RECORD)
    assert "10 were broken off" in entry.reason
    assert entry.group == GROUP
    record = world.group(GROUP)
    assert record.state is GroupState.SUSPENDED
    assert record.error == entry.reason
    world.want(network("other"))
    world.state(network("other"))
    assert [job_id for job_id in heat.calls if ":n1:" in str(job_id)] == []


def test_one_interruption_less_and_it_goes_on(
    world: World, make_conductor: MakeConductor, heat: ListHandler
) -> None:
    broken_off(world, make_conductor, heat, times=9)
    make_conductor()
    assert world.state(network("n1"))["error"] == ""
    assert world.group(GROUP).interruptions == 9


def test_requeued_it_goes_on_where_it_was_and_tells_who_wanted_that(
    world: World, stuck: None
) -> None:
    assert quarantine.requeue(world.store, quarantine.find(world.store, RECORD), by="alice@h")
    assert world.state(network("n1"))["error"] == ""
    assert world.state(port("p1"))["error"] == ""
    told = world.until(RECORD, lambda d: d["orders"])
    assert [order["by"] for order in told["orders"]] == ["alice@h"]
    assert told["interruptions"] == 0
    assert world.read(ENTRY) is None


def test_dropped_it_has_failed_with_all_that_waits_for_it(world: World, stuck: None) -> None:
    quarantine.drop(world.store, quarantine.find(world.store, RECORD), by="alice@h")
    state = world.state(network("n1"))
    assert state["state"]["worker_state"] == "CREATE_FAILED"
    assert "alice@h" in state["error"]
    assert "nothing is undone" in state["error"]
    assert world.group(GROUP).state is GroupState.FAILURE
    assert "canceled" in world.state(port("p1"))["error"]
    assert world.read(ENTRY) is None
    assert world.store.range(keys.JOBS).items == ()


def test_being_handed_over_is_no_interruption(
    world: World, make_conductor: MakeConductor, heat: ListHandler
) -> None:
    heat.waits_for = lambda job: Future()
    world.want(network("n1"))
    for times in (1, 2):
        conductor = make_conductor()
        world.until(RECORD, lambda d, n=times: d is not None and d["attempts"] == n)
        world.until(keys.job_state(network("n1")), lambda d: d == {})
        conductor.stop()
        assert world.group(GROUP).state is GroupState.PENDING
    heat.waits_for = lambda job: None
    make_conductor()
    assert world.state(network("n1"))["error"] == ""
    assert (world.group(GROUP).attempts, world.group(GROUP).interruptions) == (3, 0)


def test_a_lost_claim_is_an_interruption(
    world: World, store: Store, make_conductor: MakeConductor, heat: ListHandler
) -> None:
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate
    world.want(network("n1"))
    make_conductor()
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    heat.waits_for = lambda job: None
    claim = store.get(keys.claim(GROUP))
    assert claim is not None
    store.revoke(claim.lease)
    assert world.state(network("n1"))["error"] == ""
    assert world.group(GROUP).interruptions == 1


def test_a_record_that_cannot_be_read_is_told_of_until_it_is_mended(
    world: World, make_conductor: MakeConductor
) -> None:
    world.store.put(RECORD, b'{"name": 5}')
    make_conductor()
    entry = world.until(ENTRY, lambda d: d is not None)
    assert RECORD in entry["reason"]
    sound = codec.dumps(json.loads(_sound().encode()))
    world.store.put(RECORD, sound)
    world.until(ENTRY, lambda d: d is None)


def test_a_record_that_cannot_be_read_can_be_dropped(
    world: World, make_conductor: MakeConductor
) -> None:
    world.store.put(RECORD, b"what")
    make_conductor()
    world.until(ENTRY, lambda d: d is not None)
    quarantine.drop(world.store, quarantine.find(world.store, RECORD), by="alice@h")
    assert world.read(RECORD) is None
    with pytest.raises(InvalidInput, match="not in quarantine"):
        quarantine.find(world.store, RECORD)


def _sound() -> GroupRecord:
    return GroupRecord(
        name=GROUP,
        action=Action.CREATE,
        resource=ResourceRef("network", "n1"),
        version=1,
        job_ids=(f"create:heat_worker:{GROUP}:abcde",),
        state=GroupState.SUCCESS,
    )
