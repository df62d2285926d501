"""What people want of groups happens: with the real conductor on a real etcd."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.conductor.service import Conductor
from esi_flows.history import courses
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.groups import GroupState
from esi_flows.model.jobs import Job, ResourceRef
from esi_flows.model.steering import Order, Pause, Steering, Want
from esi_flows.steering import service
from esi_flows.steering.orders import Given, give
from esi_flows.steering.retry import Retried, retry
from tests.conductor.conftest import MakeConductor, World, network, port, small_catalog
from tests.plugins import ListHandler

GROUP = "network:n1:1"


class Gate:
    """Holds the heat jobs of networks until it is opened."""

    def __init__(self, heat: ListHandler) -> None:
        self._waiting: list[Future[None]] = []
        self._is_open = False
        self._lock = threading.Lock()
        self.reached = threading.Event()
        heat.waits_for = self._wait

    def _wait(self, job: Job) -> Future[Any] | None:
        if job.resource_type != "network":
            return None
        # one for each run: who is suspended cancels what it waits for
        future: Future[None] = Future()
        with self._lock:
            if self._is_open:
                return None
            self._waiting.append(future)
        self.reached.set()
        return future

    def open(self) -> None:
        with self._lock:
            self._is_open = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)


@pytest.fixture
def gate(heat: ListHandler) -> Iterator[Gate]:
    gate = Gate(heat)
    yield gate
    gate.open()


def want(world: World, what: Want, group: str = GROUP, *, at: float = 5.0) -> Given:
    return give(world.store, group, Order(want=what, by="alice@h", at=at, reason="why"))


def until_group(world: World, state: GroupState, group: str = GROUP) -> None:
    world.until(keys.group(group), lambda d: d is not None and d["state"] == state.value)


def begun(world: World, gate: Gate) -> None:
    world.want(network("n1"))
    assert gate.reached.wait(20)


def test_a_suspended_group_stops_is_claimed_by_nobody_and_goes_on_when_resumed(
    world: World, gate: Gate, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    make_conductor()
    make_conductor()
    begun(world, gate)
    want(world, Want.SUSPEND)
    until_group(world, GroupState.SUSPENDED)
    assert world.read(keys.claim(GROUP)) is None
    suspended = world.group(GROUP)
    # whatever else they do meanwhile, they do not touch it
    world.want(keys.ResourcePath("v2.0/tags", "t"))
    world.state(keys.ResourcePath("v2.0/tags", "t"))
    assert world.group(GROUP) == suspended
    gate.open()
    want(world, Want.RUN, at=6.0)
    assert world.state(network("n1"))["error"] == ""
    assert world.group(GROUP).attempts == 2


def test_a_waiting_group_that_is_suspended_does_not_begin_until_it_is_resumed(
    world: World, gate: Gate, heat: ListHandler, conductor: Conductor
) -> None:
    begun(world, gate)
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    want(world, Want.SUSPEND, "port:p1:1")
    gate.open()
    world.state(network("n1"))
    world.want(network("later"))
    world.state(network("later"))
    assert world.group("port:p1:1").attempts == 0
    want(world, Want.RUN, "port:p1:1", at=6.0)
    assert world.state(port("p1"))["error"] == ""


def test_a_cancelled_group_is_reverted_and_what_waits_for_it_never_runs(
    world: World, gate: Gate, heat: ListHandler, conductor: Conductor
) -> None:
    begun(world, gate)
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    want(world, Want.CANCEL)
    state = world.state(network("n1"))
    assert state["state"]["worker_state"] == "CREATE_FAILED"
    assert "cancelled by alice@h: why" in state["error"]
    assert world.group(GROUP).state is GroupState.REVERTED
    assert world.state(port("p1"))["error"].startswith("canceled: create:heat_worker:network:n1:1:")
    assert not any("port:p1" in call for call in heat.calls)
    assert world.store.range(keys.JOBS).items == ()


def test_a_cancelled_group_that_waits_ends_without_running(
    world: World, gate: Gate, heat: ListHandler, conductor: Conductor
) -> None:
    begun(world, gate)
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    want(world, Want.CANCEL, "port:p1:1")
    assert world.state(port("p1"))["error"] == "cancelled by alice@h: why"
    assert world.group("port:p1:1").state is GroupState.CANCELLED
    assert not any("port:p1" in call for call in heat.calls)


def test_a_suspended_group_that_is_cancelled_is_reverted(
    world: World, gate: Gate, heat: ListHandler, conductor: Conductor
) -> None:
    begun(world, gate)
    want(world, Want.SUSPEND)
    until_group(world, GroupState.SUSPENDED)
    want(world, Want.CANCEL, at=6.0)
    assert "cancelled by alice@h" in world.state(network("n1"))["error"]
    assert world.group(GROUP).state is GroupState.REVERTED


def test_a_conductor_that_starts_later_obeys_what_was_wanted_before(
    world: World, gate: Gate, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    first = make_conductor()
    begun(world, gate)
    first.stop()
    want(world, Want.CANCEL)
    make_conductor()
    assert "cancelled by alice@h" in world.state(network("n1"))["error"]


def test_orders_go_into_the_course_and_the_key_goes(
    world: World, gate: Gate, conductor: Conductor
) -> None:
    begun(world, gate)
    want(world, Want.SUSPEND)
    until_group(world, GroupState.SUSPENDED)
    gate.open()
    want(world, Want.RUN, at=6.0)
    world.state(network("n1"))
    world.until(keys.steering(GROUP), lambda d: d is None)
    [course] = courses.below(world.store)
    assert [order.want for order in course.record.orders] == [Want.SUSPEND, Want.RUN]
    assert world.group(GROUP).orders == course.record.orders
    assert course.record.orders[0] == Order(want=Want.SUSPEND, by="alice@h", at=5.0, reason="why")


def test_what_was_wanted_of_an_earlier_group_of_the_name_does_not_apply(
    world: World, conductor: Conductor
) -> None:
    stale = Steering(1.5, (Order(want=Want.CANCEL, by="alice@h", at=2.0),))
    world.store.put(keys.steering(GROUP), stale.encode())
    world.want(network("n1"))
    assert world.state(network("n1"))["error"] == ""
    world.until(keys.steering(GROUP), lambda d: d is None)


@pytest.mark.parametrize("garbage", [b"{", b"[]", b'{"orders": 1}', b'{"orders": [{"want": "x"}]}'])
def test_an_order_that_cannot_be_read_stops_nobody(
    world: World, conductor: Conductor, garbage: bytes
) -> None:
    world.store.put(keys.steering(GROUP), garbage)
    world.want(network("n1"))
    assert world.state(network("n1"))["error"] == ""


def test_an_order_given_twice_is_one(world: World, gate: Gate, conductor: Conductor) -> None:
    begun(world, gate)
    assert want(world, Want.SUSPEND).is_new
    assert not want(world, Want.SUSPEND, at=6.0).is_new
    assert len(world.read(keys.steering(GROUP))["orders"]) == 1


def test_a_cancelled_group_is_neither_suspended_nor_resumed(
    world: World, conductor: Conductor, gate: Gate, heat: ListHandler
) -> None:
    begun(world, gate)
    conductor.stop()
    want(world, Want.CANCEL)
    assert not want(world, Want.CANCEL, at=6.0).is_new
    for other in (Want.SUSPEND, Want.RUN):
        with pytest.raises(InvalidInput, match="was cancelled by alice@h"):
            want(world, other, at=7.0)


def test_of_a_group_that_has_ended_nothing_can_be_wanted(
    world: World, conductor: Conductor
) -> None:
    world.want(network("n1"))
    world.state(network("n1"))
    for what in (Want.SUSPEND, Want.RUN, Want.CANCEL):
        with pytest.raises(InvalidInput, match="has ended") as refused:
            want(world, what)
        assert refused.value.hint.startswith("esi-flows delete network:n1")
    assert world.read(keys.steering(GROUP)) is None


def test_many_who_want_different_things_leave_one_whole_list(
    world: World, gate: Gate, conductor: Conductor
) -> None:
    begun(world, gate)
    conductor.stop()
    wants = [Want.SUSPEND, Want.RUN] * 4
    threads = [
        threading.Thread(target=want, args=(world, what), kwargs={"at": float(n)})
        for n, what in enumerate(wants)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = world.store.get(keys.steering(GROUP))
    assert written is not None
    told = [order.want for order in Steering.decode("k", written.value).orders]
    assert told == [(Want.SUSPEND, Want.RUN)[n % 2] for n in range(len(told))]
    assert told


def paused(world: World, *, suspend: bool = False) -> None:
    service.pause(world.store, Pause(by="alice@h", at=5.0, suspend=suspend))


def test_while_the_service_is_paused_nothing_is_claimed_and_what_runs_goes_on(
    world: World, gate: Gate, conductor: Conductor
) -> None:
    begun(world, gate)
    paused(world)
    world.want(network("n2"))
    world.until(keys.group("network:n2:1"), lambda d: d is not None)
    gate.open()
    assert world.state(network("n1"))["error"] == ""
    assert world.group("network:n2:1").attempts == 0
    assert service.unpause(world.store) is not None
    assert world.state(network("n2"))["error"] == ""


def test_a_pause_may_suspend_what_runs(world: World, gate: Gate, conductor: Conductor) -> None:
    begun(world, gate)
    paused(world, suspend=True)
    world.until(keys.claim(GROUP), lambda d: d is None)
    gate.open()
    service.unpause(world.store)
    assert world.state(network("n1"))["error"] == ""
    assert world.group(GROUP).attempts == 2


def test_a_group_that_has_not_begun_is_cancelled_in_a_pause(
    world: World, conductor: Conductor
) -> None:
    paused(world)
    world.want(network("n1"))
    world.until(keys.group(GROUP), lambda d: d is not None)
    want(world, Want.CANCEL)
    assert world.state(network("n1"))["error"] == "cancelled by alice@h: why"


def test_who_paused_first_stays_named_and_a_pause_can_become_stricter(world: World) -> None:
    first = Pause(by="alice@h", at=1.0)
    assert service.pause(world.store, first) == (first, True)
    assert service.pause(world.store, Pause(by="bob@h", at=2.0)) == (first, False)
    held, is_new = service.pause(world.store, Pause(by="bob@h", at=3.0, suspend=True))
    assert (held.by, held.suspend, is_new) == ("alice@h", True, True)
    assert service.unpause(world.store) == held
    assert service.unpause(world.store) is None


class Failing(tuple[str, ...]):
    """Every job, for as long as it is asked."""

    def __contains__(self, job_id: object) -> bool:
        return True


def try_again(world: World, name: str = "n1", *, alone: bool = False) -> Retried:
    order = Order(want=Want.RETRY, by="bob@h", at=9.0)
    return retry(world.store, small_catalog(), ResourceRef("network", name), order, alone=alone)


def test_what_failed_is_tried_again_in_the_same_version_with_what_it_cancelled(
    world: World, gate: Gate, heat: ListHandler, conductor: Conductor
) -> None:
    heat.fails = Failing()
    begun(world, gate)
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    gate.open()
    until_group(world, GroupState.CANCELLED, "port:p1:1")
    heat.fails = ()
    assert try_again(world).groups == (GROUP, "port:p1:1")
    until_group(world, GroupState.SUCCESS)
    until_group(world, GroupState.SUCCESS, "port:p1:1")
    assert world.read(keys.state(network("n1")))["error"] == ""
    assert [order.by for order in world.group(GROUP).orders] == ["bob@h"]
    assert len(courses.find(world.store, GROUP)) == 2
    with pytest.raises(InvalidInput, match="has ended well"):
        try_again(world)


def test_a_modification_is_tried_again_as_a_modification(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    world.want(network("n1"))
    world.state(network("n1"))
    heat.fails = Failing()
    world.want(network("n1"), 2, name="other")
    until_group(world, GroupState.REVERTED, "network:n1:2")
    heat.fails = ()
    try_again(world)
    until_group(world, GroupState.SUCCESS, "network:n1:2")
    assert world.group("network:n1:2").action == "modify"


def test_a_retry_alone_leaves_what_was_cancelled_and_can_be_followed_by_the_rest(
    world: World, gate: Gate, heat: ListHandler, conductor: Conductor
) -> None:
    begun(world, gate)
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    want(world, Want.CANCEL)
    until_group(world, GroupState.CANCELLED, "port:p1:1")
    gate.open()
    assert try_again(world, alone=True).groups == (GROUP,)
    until_group(world, GroupState.SUCCESS)
    assert world.group("port:p1:1").state is GroupState.CANCELLED
    assert try_again(world).groups == ("port:p1:1",)
    until_group(world, GroupState.SUCCESS, "port:p1:1")


def test_what_is_under_way_is_not_tried_again(
    world: World, gate: Gate, conductor: Conductor
) -> None:
    begun(world, gate)
    assert try_again(world) == Retried((), under_way=True)


def test_a_retry_without_a_conductor_is_done_by_the_next_one(
    world: World, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    first = make_conductor()
    heat.fails = Failing()
    world.want(network("n1"))
    until_group(world, GroupState.REVERTED)
    first.stop()
    heat.fails = ()
    assert try_again(world).groups == (GROUP,)
    assert try_again(world).under_way
    make_conductor()
    until_group(world, GroupState.SUCCESS)
