"""A conductor whose etcd fails at the worst moments goes on as if nothing had been."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.model import keys
from esi_flows.model.errors import NoSpace
from esi_flows.model.groups import GroupState
from esi_flows.store.base import Batch, Compare, Delete, Op, Put, Range, Store, Txn, Watch
from esi_flows.store.faults import Choose, Fault, FaultyStore, seeded
from tests.conductor.conftest import MakeConductor, World, network, port, small_catalog
from tests.plugins import ListHandler

Writes = Callable[[Sequence[Op]], bool]


def once(fault: Fault, what: Writes) -> Choose:
    """The first transaction that is ``what`` has this fault."""
    left = [fault]

    def choose(method: str, arguments: Sequence[Any]) -> Fault | None:
        return left.pop() if method == "txn" and left and what(arguments[1]) else None

    return choose


def puts(*prefixes: str) -> Writes:
    """A transaction that writes a key below each of the prefixes."""

    def what(ops: Sequence[Op]) -> bool:
        written = [op.key for op in ops if isinstance(op, Put)]
        return all(any(key.startswith(prefix) for key in written) for prefix in prefixes)

    return what


def deletes(*prefixes: str) -> Writes:
    def what(ops: Sequence[Op]) -> bool:
        deleted = [op.key for op in ops if isinstance(op, Delete)]
        return all(any(key.startswith(prefix) for key in deleted) for prefix in prefixes)

    return what


MakeFaulty = Callable[[Choose], FaultyStore]


@pytest.fixture
def faulty_conductor(
    store: Store, heat: ListHandler, monitoring: ListHandler
) -> Iterator[MakeFaulty]:
    """Starts a conductor on a store with faults; the store to deliver what was delayed."""
    made: list[Conductor] = []

    def make(choose: Choose) -> FaultyStore:
        faulty = FaultyStore(store, lambda method, arguments: None)
        conductor = Conductor(
            faulty,
            small_catalog(),
            {"heat_worker": heat, "monitoring_worker": monitoring},
            ConductorSettings(lease_seconds=2, running_groups=4, worker_threads=4),
        )
        conductor.start()
        faulty.choose = choose
        made.append(conductor)
        return faulty

    yield make
    for conductor in made:
        conductor.stop()


WRITES = {
    "role": puts(keys.claim(keys.READER_ROLE)),
    "post": puts(keys.MEMO, keys.JOBS, keys.GROUPS),
    "claim": puts(keys.claim("network"), keys.GROUPS),
    "flush": puts(keys.PERSISTENCE),
    "finish": deletes(keys.CLAIMS, keys.JOBS),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("fault", Fault)
def test_one_write_of_each_kind_may_fail_in_any_way(
    world: World, heat: ListHandler, faulty_conductor: MakeFaulty, write: str, fault: Fault
) -> None:
    world.want(network("n1"))
    store = faulty_conductor(once(fault, WRITES[write]))
    assert world.state(network("n1"))["error"] == ""
    store.deliver()
    world.want(network("n2"))
    assert world.state(network("n2"))["error"] == ""
    assert world.group("network:n1:1").state is GroupState.SUCCESS
    assert world.store.range(keys.JOBS).items == ()
    assert world.store.range(f"{keys.PERSISTENCE}flows/").items == ()
    assert [call.split(":")[3] for call in heat.calls] == ["n1", "n2"]


@pytest.mark.parametrize("fault", Fault)
def test_cancelling_may_fail_in_any_way(
    world: World,
    heat: ListHandler,
    monitoring: ListHandler,
    faulty_conductor: MakeFaulty,
    fault: Fault,
) -> None:
    gate: Future[None] = Future()
    monitoring.waits_for = lambda job: gate
    cancels = deletes(keys.job("create:heat_worker:port:"))
    store = faulty_conductor(once(fault, cancels))
    world.want(network("n1"))
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    monitoring.fails = tuple(
        job_id for job_id in world.group("network:n1:1").job_ids if "monitoring" in job_id
    )
    gate.set_result(None)
    assert world.state(port("p1"))["error"].startswith("canceled: ")
    store.deliver()
    assert world.group("port:p1:1").state is GroupState.CANCELLED


@pytest.mark.parametrize("lost", ["grant", "put"])
def test_a_new_lease_may_be_hard_to_get(
    world: World, store: Store, faulty_conductor: MakeFaulty, lost: str
) -> None:
    faults = {lost: 2}

    def choose(method: str, arguments: Sequence[Any]) -> Fault | None:
        if faults.get(method, 0):
            faults[method] -= 1
            return Fault.ERROR
        return None

    faulty_conductor(choose)
    world.want(network("n1"))
    world.state(network("n1"))
    (registered,) = store.range(keys.CONDUCTORS).items
    store.revoke(registered.lease)
    world.want(network("n2"))
    assert world.state(network("n2"))["error"] == ""
    assert faults == {lost: 0}
    assert all(item.lease for item in store.range(keys.CLAIMS).items)
    (again,) = store.range(keys.CONDUCTORS).items
    assert again.key != registered.key


def test_a_role_that_was_taken_and_given_back_is_used_again(
    world: World, store: Store, make_conductor: MakeConductor
) -> None:
    make_conductor()
    world.want(network("n1"))
    world.state(network("n1"))
    role = keys.claim(keys.READER_ROLE)
    lease = store.grant(60)
    store.txn([], [Delete(role)])
    store.put(role, b'{"holder":"other"}', lease=lease)
    found = store.get(role)
    assert found is not None
    assert found.lease == lease
    world.want(network("n2"))
    store.revoke(lease)
    assert world.state(network("n2"))["error"] == ""


class FullOnce(FaultyStore):
    """Has no space for the first transaction of an engine."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda method, arguments: None)
        self.is_full = True

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        written = [op.key for op in ops if isinstance(op, Put)]
        if self.is_full and any(key.startswith(f"{keys.PERSISTENCE}flows/") for key in written):
            self.is_full = False
            raise NoSpace("as asked for")
        return super().txn(compares, ops)


def test_a_group_given_back_and_taken_again_is_still_suspended_at_stop(
    world: World, store: Store, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    """The first run ends by an error of etcd; the second must not be forgotten when it has."""
    full = FullOnce(store)
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate
    make_conductor(full)
    world.want(network("n1"))
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    assert world.group("network:n1:1").attempts == 2


class LateStore(FaultyStore):
    """The watches of jobs and groups bring nothing before ``late`` is set."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda method, arguments: None)
        self.late = threading.Event()
        self.listed = {keys.JOBS: threading.Event(), keys.GROUPS: threading.Event()}

    def range(self, prefix: str, *, revision: int = 0) -> Range:
        listing = super().range(prefix, revision=revision)
        if prefix in self.listed:
            self.listed[prefix].set()
        return listing

    def watch(self, prefix: str, *, start_revision: int) -> Watch:
        watch = super().watch(prefix, start_revision=start_revision)
        return LateWatch(watch, self.late) if prefix in self.listed else watch


class LateWatch:
    def __init__(self, watch: Watch, late: threading.Event) -> None:
        self._watch = watch
        self._late = late

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._watch:
            self._late.wait(20)
            yield batch

    def cancel(self) -> None:
        self._watch.cancel()


def test_what_the_last_reader_posted_is_waited_for_however_late_the_watch(
    world: World, store: Store, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    heat.waits_for = lambda job: Future()
    late = LateStore(store)
    world.want(network("n1"))
    first = make_conductor()
    world.until(keys.conductor(first.id), lambda d: d is not None)
    second = Conductor(late, small_catalog(), {"heat_worker": heat, "monitoring_worker": heat})
    second.start()
    try:
        assert all(listed.wait(20) for listed in late.listed.values())
        world.want(network("n2"))
        world.until(keys.job_state(network("n2")), lambda d: d == {})
        first.stop()
        world.want(port("p2"), network_id="n2")
        world.until(keys.group("port:p2:1"), lambda d: d is not None)
        assert len(world.group("port:p2:1").waits_for) == 1
    finally:
        late.late.set()
        second.stop()


@pytest.mark.parametrize("seed", range(3))
def test_a_store_that_often_fails_changes_nothing_in_the_end(
    world: World, heat: ListHandler, faulty_conductor: MakeFaulty, seed: int
) -> None:
    store = faulty_conductor(seeded(seed, rate=0.15, methods=("txn", "get", "range")))
    for number in range(6):
        world.want(network(f"n{number}"))
        world.want(port(f"p{number}"), network_id=f"n{number}")
    for number in range(6):
        assert world.state(port(f"p{number}"))["error"] == ""
        assert world.state(network(f"n{number}"))["error"] == ""
    store.choose = lambda method, arguments: None
    store.deliver()
    for record in (world.group(f"{t}{n}:1") for n in range(6) for t in ("network:n", "port:p")):
        assert record.state is GroupState.SUCCESS
    assert world.store.range(keys.JOBS).items == ()
    assert world.store.range(f"{keys.PERSISTENCE}flows/").items == ()
