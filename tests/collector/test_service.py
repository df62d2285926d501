"""The collector on a real etcd: what it writes, when, and who may."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from esi_flows.collector.drivers import ProbeFailed, Status
from esi_flows.collector.service import Collector
from esi_flows.model import keys
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target
from esi_flows.store.base import Store
from esi_flows.store.faults import Fault, FaultyStore
from tests.conductor.conftest import World

PATH = ResourcePath("v2.0/ports", "p1")
OTHER = ResourcePath("v2.0/ports", "p2")
ROLE = keys.claim(keys.COLLECTOR_ROLE)


class Table:
    """A probe that reads a table: target name to status, or to what it raises."""

    def __init__(self) -> None:
        self.statuses: dict[str, Status | Exception] = {}
        self.asked: list[str] = []
        self.held: dict[int, asyncio.Event] = {}
        """Versions of targets that are answered only when somebody says so."""
        self.rounds = threading.Semaphore(0)

    async def status(self, target: Target) -> Status:
        self.asked.append(target.name)
        status = self.statuses.get(target.name, ProbeFailed("not heard of"))
        self.rounds.release()
        if target.version in self.held:
            await self.held[target.version].wait()
        if isinstance(status, Exception):
            raise status
        return status


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def table() -> Table:
    return Table()


MakeCollector = Callable[..., Collector]


@pytest.fixture
def collect(store: Store, table: Table) -> Iterator[MakeCollector]:
    made: list[Collector] = []

    def make(on: Store = store, *, interval: float = 60) -> Collector:
        collector = Collector(
            on, table, name=f"c{len(made)}", interval_seconds=interval, lease_seconds=2
        )
        collector.start()
        made.append(collector)
        return collector

    yield make
    for collector in made:
        collector.stop()


def watch(
    store: Store, name: str, *, path: ResourcePath = PATH, version: int = 1, **more: Any
) -> None:
    target = Target(
        name=name,
        type="monitoring_agent",
        topic="t",
        resource_type="ports",
        tenant_id="x",
        version=version,
        properties={},
        **more,
    )
    store.put(keys.target(path, name), target.encode())


def shown(world: World, wanted: Any, path: ResourcePath = PATH) -> None:
    world.until(keys.monitoring(path), lambda document: document == wanted)


def rounds(table: Table, number: int) -> None:
    for _ in range(number):
        assert table.rounds.acquire(timeout=20)


def test_what_is_seen_of_all_targets_is_one_document(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP", "b": "DOWN"}
    watch(store, "a", version=1)
    watch(store, "b", version=2)
    collect()
    shown(world, {"version": 2, "a": "UP", "b": "DOWN"})


def test_a_new_target_is_looked_at_at_once(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    collect()
    world.until(ROLE, lambda claim: claim is not None)
    watch(store, "a")
    shown(world, {"version": 1, "a": "UP"})


def test_only_a_change_is_written(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    watch(store, "a")
    collect(interval=0.02)
    shown(world, {"version": 1, "a": "UP"})
    first = store.get(keys.monitoring(PATH))
    rounds(table, 5)
    assert store.get(keys.monitoring(PATH)) == first
    table.statuses = {"a": "DOWN"}
    shown(world, {"version": 1, "a": "DOWN"})


def test_a_new_version_is_shown(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    watch(store, "a")
    collect()
    shown(world, {"version": 1, "a": "UP"})
    watch(store, "a", version=2)
    shown(world, {"version": 2, "a": "UP"})


def test_what_was_asked_of_one_version_is_never_written_for_another(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "OLD"}
    table.held = {1: asyncio.Event()}
    watch(store, "a", version=1)
    collect()
    rounds(table, 1)
    before = store.range(keys.MONITORING).revision
    table.statuses = {"a": "NEW"}
    watch(store, "a", version=2)
    rounds(table, 1)
    table.held[1].set()
    shown(world, {"version": 2, "a": "NEW"})
    first = next(iter(store.watch(keys.MONITORING, start_revision=before + 1))).events[0]
    assert json.loads(first.value or b"") == {"version": 2, "a": "NEW"}


def test_the_status_of_an_old_version_is_not_shown_with_the_new_one(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP", "b": "UP"}
    watch(store, "a")
    watch(store, "b")
    collect()
    shown(world, {"version": 1, "a": "UP", "b": "UP"})
    table.statuses = {"a": "UP"}
    watch(store, "b", version=2)
    shown(world, {"version": 2, "a": "UP"})


def test_a_target_with_parts_is_an_object_of_the_document(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    parts = {"primary": "MASTER", "secondary": "BACKUP"}
    table.statuses = {"status": parts}
    watch(store, "status")
    collect()
    shown(world, {"version": 1, "status": parts})


def test_what_flaps_is_not_written(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    watch(store, "a", hold_options={"positive_status": ["UP"], "time_seconds": 600})
    collect(interval=0.02)
    shown(world, {"version": 1, "a": "UP"})
    last = store.get(keys.monitoring(PATH))
    table.statuses = {"a": "FAIL"}
    rounds(table, 5)
    assert store.get(keys.monitoring(PATH)) == last


def test_a_target_has_an_interval_of_its_own(
    store: Store, table: Table, collect: MakeCollector
) -> None:
    watch(store, "often", interval_seconds=0.01)
    watch(store, "rarely")
    collect()
    rounds(table, 10)
    assert table.asked.count("rarely") == 1


def test_one_that_hangs_holds_up_no_other(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP", "b": "UP"}
    table.held = {7: asyncio.Event()}
    watch(store, "a", version=7)
    watch(store, "b", path=OTHER)
    collect()
    shown(world, {"version": 1, "b": "UP"}, OTHER)
    assert store.get(keys.monitoring(PATH)) is None


def test_a_resource_without_targets_has_no_document(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    watch(store, "a")
    collect()
    shown(world, {"version": 1, "a": "UP"})
    store.delete(keys.target(PATH, "a"))
    shown(world, None)


def test_what_was_left_while_no_collector_ran_is_removed(
    world: World, store: Store, collect: MakeCollector
) -> None:
    store.put(keys.monitoring(PATH), b'{"version":1,"a":"UP"}')
    store.put(keys.reported(PATH), b"{}")
    collect()
    shown(world, None)
    assert store.get(keys.reported(PATH)) is None


def test_what_somebody_else_has_written_is_left_alone(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    others = ResourcePath("v2.0/ports", "of-the-original")
    store.put(keys.monitoring(others), b'{"version":1,"vmi":"UP"}')
    watch(store, "a")
    collect(interval=0.05)
    shown(world, {"version": 1, "a": "UP"})
    rounds(table, 3)
    assert store.get(keys.monitoring(others)) is not None


def test_a_target_that_does_not_answer_keeps_its_last_status(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP", "b": "UP"}
    watch(store, "a")
    watch(store, "b")
    collect(interval=0.02)
    shown(world, {"version": 1, "a": "UP", "b": "UP"})
    table.statuses = {"a": "DOWN", "b": ProbeFailed("no answer")}
    shown(world, {"version": 1, "a": "DOWN", "b": "UP"})
    last = store.get(keys.monitoring(PATH))
    table.statuses = {}
    rounds(table, 6)
    assert store.get(keys.monitoring(PATH)) == last


def test_a_target_that_cannot_be_read_harms_no_other(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    store.put(keys.target(PATH, "bad"), b"{no json")
    watch(store, "a")
    collect()
    shown(world, {"version": 1, "a": "UP"})


def test_a_probe_that_breaks_does_not_end_the_collector(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": RuntimeError("a defect")}
    watch(store, "a")
    collect(interval=0.02)
    rounds(table, 1)
    table.statuses = {"a": "UP"}
    shown(world, {"version": 1, "a": "UP"})


def test_a_round_that_takes_longer_than_the_interval_is_followed_by_another(
    store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP"}
    watch(store, "a")
    collect(interval=0.0)
    rounds(table, 5)


def test_one_of_two_works_and_the_other_takes_over(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    first = collect()
    world.until(ROLE, lambda claim: claim == {"holder": "c0"})
    collect()
    table.statuses = {"a": "UP"}
    watch(store, "a")
    shown(world, {"version": 1, "a": "UP"})
    assert table.asked == ["a"]
    first.stop()
    world.until(ROLE, lambda claim: claim == {"holder": "c1"})
    table.statuses = {"a": "DOWN"}
    watch(store, "a", version=2)
    shown(world, {"version": 2, "a": "DOWN"})


def test_a_role_that_was_taken_away_is_noticed_and_taken_again(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    table.statuses = {"a": "UP", "b": "UP"}
    collect(interval=0.02)
    world.until(ROLE, lambda claim: claim is not None)
    other = store.grant(60)
    store.put(ROLE, b'{"holder":"other"}', lease=other)
    watch(store, "a")
    watch(store, "b", path=OTHER)
    store.revoke(other)
    shown(world, {"version": 1, "a": "UP"})
    shown(world, {"version": 1, "b": "UP"}, OTHER)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("call", ["role", "status"])
def test_a_write_may_fail_in_any_way(
    world: World, store: Store, table: Table, collect: MakeCollector, fault: Fault, call: str
) -> None:
    left = [fault]
    key = ROLE if call == "role" else keys.monitoring(PATH)

    def choose(method: str, arguments: Sequence[Any]) -> Fault | None:
        is_it = method == "txn" and any(op.key == key for op in arguments[1])
        return left.pop() if left and is_it else None

    table.statuses = {"a": "UP"}
    watch(store, "a")
    faulty = FaultyStore(store, choose)
    collect(faulty)
    shown(world, {"version": 1, "a": "UP"})
    faulty.deliver()
    table.statuses = {"a": "DOWN"}
    watch(store, "a", version=2)
    shown(world, {"version": 2, "a": "DOWN"})
    assert left == []


def test_a_lost_lease_is_replaced_even_if_not_at_once(
    world: World, store: Store, table: Table, collect: MakeCollector
) -> None:
    left = 0

    def choose(method: str, _arguments: Sequence[Any]) -> Fault | None:
        nonlocal left
        if method == "grant" and left:
            left -= 1
            return Fault.ERROR
        return None

    collect(FaultyStore(store, choose))
    world.until(ROLE, lambda claim: claim is not None)
    left = 2
    claim = store.get(ROLE)
    assert claim is not None
    store.revoke(claim.lease)
    table.statuses = {"a": "UP"}
    watch(store, "a")
    shown(world, {"version": 1, "a": "UP"})
    again = store.get(ROLE)
    assert again is not None
    assert again.lease not in (0, claim.lease)
    assert json.loads(again.value) == {"holder": "c0"}
