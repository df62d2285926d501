"""Groups that are too much for one transaction: posted in parts, seen as a whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from esi_flows.compiler.groups import JobGroup
from esi_flows.compiler.queue import Queue
from esi_flows.conductor.intake import WATCHED
from esi_flows.conductor.posting import Poster, Seen
from esi_flows.conductor.removal import removed_jobs
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput, StoreError, TooLarge
from esi_flows.model.groups import GroupState
from esi_flows.model.intents import Memo
from esi_flows.model.jobs import Action, ResourceRef, group_name
from esi_flows.store.base import Put, Store
from esi_flows.store.claims import Claim
from esi_flows.store.etcd import EtcdStore
from esi_flows.store.faults import Fault, FaultyStore
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import catch_up
from tests.conductor.conftest import MakeConductor, World, network
from tests.plugins import make_job

N1 = ResourceRef("network", "n1")
LONG = ResourceRef("network", "7abe783f-3b2b-4c8d-9d39-1f0f5a3f7c11")


def group_of_many(count: int, resource: ResourceRef = N1) -> JobGroup:
    """Jobs in layers of 500, each after one of the layer before it."""
    name = group_name(resource, 1)
    ids = [f"create:heat_worker:{name}:{number:05}" for number in range(count)]
    jobs = [
        make_job(
            job_id,
            handler="heat_worker",
            after=(ids[number - 500],) if number >= 500 else (),
            first=number == 0,
            last=number == count - 1,
            resource=resource,
        )
        for number, job_id in enumerate(ids)
    ]
    return JobGroup(
        name=name,
        action=Action.CREATE,
        resource=resource,
        version=1,
        jobs=tuple(jobs),
        waits_for=(),
    )


class Desk:
    """A reader's poster, with all that it needs."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self.cache = Reflector(store, WATCHED)  # not started: it knows what it is told
        self.queue = Queue()
        self.poster = Poster(store, self.cache, self.queue)
        self._claim = claim
        catch_up(store, self.cache, WATCHED)

    def post(self, group: JobGroup) -> bool:
        path = network(group.resource.id)
        seen = Seen(path, self.cache.get(keys.config(path)), self.cache.get(keys.memo(path)))
        memo = Put(keys.memo(path), Memo({"id": path.id}, 1).encode())
        return self.poster.post(seen, group, [memo], self._claim)

    def sweep(self, *, thoroughly: bool = False) -> None:
        self.poster.sweep(self._claim, thoroughly=thoroughly)


@pytest.fixture
def claim(store: EtcdStore) -> Claim:
    key = keys.claim(keys.READER_ROLE)
    return Claim(keys.READER_ROLE, store.put(key, b"me", lease=store.grant(60)))


def assert_whole(store: Store, group: JobGroup) -> bool:
    """Whether the group was posted: with all its jobs, or it does not count at all."""
    jobs = {item.key for item in store.range(keys.JOBS).items}
    if store.get(keys.group(group.name)) is None:
        assert store.get(keys.memo(network(group.resource.id))) is None
        return False
    assert jobs == {keys.job(job.id) for job in group.jobs}
    return True


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "killed"])
def test_a_posting_that_is_broken_off_leaves_nothing_that_counts(
    store: EtcdStore, claim: Claim, fault: Fault, number: int, killed: bool
) -> None:
    """300 jobs are three parts and the record: each is hit, then whoever is next goes on."""
    group, called = group_of_many(300), 0

    def choose(method: str, arguments: Sequence[Any]) -> Fault | None:
        nonlocal called
        called += method == "txn"
        return fault if method == "txn" and called == number else None

    faulty = FaultyStore(store, choose)
    desk = Desk(faulty, claim)
    with pytest.raises(StoreError):
        desk.post(group)
    was_posted = assert_whole(store, group)
    assert was_posted == (fault is Fault.LOST_REPLY and number == 4)
    if killed:
        desk = Desk(store, claim)
    else:
        catch_up(faulty, desk.cache, WATCHED)
    desk.sweep(thoroughly=killed)
    faulty.deliver()
    if not was_posted:
        left = store.range(keys.JOBS).items
        assert not left or fault is Fault.DELAYED
        catch_up(store, desk.cache, WATCHED)
        assert desk.post(group)
    assert assert_whole(store, group)


def test_who_has_lost_the_role_while_posting_writes_no_more(store: EtcdStore, claim: Claim) -> None:
    group = group_of_many(300)

    def lose(method: str, arguments: Sequence[Any]) -> None:
        written = store.range(keys.JOBS).items
        if method == "txn" and written:
            store.delete(claim.key)

    assert not Desk(FaultyStore(store, lose), claim).post(group)
    assert not assert_whole(store, group)
    mine = Claim(claim.name, store.put(claim.key, b"other", lease=store.grant(60)))
    Desk(store, mine).sweep(thoroughly=True)
    assert store.range(keys.JOBS).items == ()


def test_a_sweep_leaves_what_a_record_names_and_what_it_cannot_read(
    store: EtcdStore, claim: Claim
) -> None:
    desk = Desk(store, claim)
    assert desk.post(group_of_many(2))
    store.put(keys.group("network:n2:1"), b"{no json")
    kept = [make_job("create:heat_worker:network:n2:1:aaaaa"), make_job("odd")]
    gone = make_job("create:heat_worker:network:n1:1:other")
    for job in (*kept, gone):
        store.put(keys.job(job.id), job.encode())
    catch_up(store, desk.cache, WATCHED)
    desk.sweep()
    assert store.get(keys.job(gone.id)) is not None, "nothing was broken off here"
    desk.sweep(thoroughly=True)
    left = {item.key for item in store.range(keys.JOBS).items}
    assert left == {keys.job(job.id) for job in (*kept, *group_of_many(2).jobs)}


@pytest.mark.parametrize("count", [1, 100, 101, 5000])
def test_a_group_of_many_jobs_is_posted_run_and_ended(
    world: World, claim: Claim, make_conductor: MakeConductor, count: int
) -> None:
    group, path = group_of_many(count, LONG), network(LONG.id)
    assert Desk(world.store, claim).post(group)
    world.store.delete(claim.key)
    other = make_job(f"create:heat_worker:network:{LONG.id}:10:aaaaa")
    world.store.put(keys.group(f"network:{LONG.id}:10"), b"{no json")  # so nobody sweeps its job
    world.store.put(keys.job(other.id), other.encode())
    make_conductor()
    world.until(keys.state(path), lambda d: d is not None, seconds=60)
    ended = world.store.get(keys.state(path))
    assert ended is not None
    # the result is there exactly when the jobs are not
    before = world.store.range(keys.JOBS, revision=ended.mod_revision - 1).items
    after = world.store.range(keys.JOBS, revision=ended.mod_revision).items
    assert len(before) - len(after) == count
    assert world.store.get(keys.job(other.id)) is not None
    record = world.group(group.name)
    assert record.state is GroupState.SUCCESS
    assert len(record.course) + record.course_omitted == count
    assert len(record.encode()) < 700_000


def test_a_large_group_of_large_documents_comes_from_one_intent(
    world: World, make_conductor: MakeConductor
) -> None:
    world.want(network("big"), text="x" * 700_000)
    make_conductor()
    assert world.state(network("big"))["state"]["worker_state"] == "CREATE_COMPLETED"
    assert world.store.range(keys.JOBS).items == ()
    assert world.read(keys.memo(network("big")))["version"] == 1


def test_what_can_never_be_posted_is_refused_before_the_first_write(
    store: EtcdStore, claim: Claim
) -> None:
    desk = Desk(store, claim)
    revision = store.range(keys.JOBS).revision
    with pytest.raises(TooLarge, match="is the most"):
        desk.post(group_of_many(20_000))
    assert store.range("/").revision == revision


def test_the_end_of_one_group_never_takes_jobs_of_another(store: EtcdStore, claim: Claim) -> None:
    inside = ResourceRef("network", "n1:1:x")
    desk = Desk(store, claim)
    assert desk.post(group_of_many(101))
    with pytest.raises(InvalidInput, match="cannot be told apart"):
        desk.post(group_of_many(1, inside))
    store.txn([], removed_jobs("network:n1:1", [job.id for job in group_of_many(101).jobs]))
    store.delete(keys.group("network:n1:1"))
    store.delete(keys.memo(network("n1")))
    catch_up(store, desk.cache, WATCHED)
    assert desk.post(group_of_many(1, inside))
    with pytest.raises(InvalidInput, match="cannot be told apart"):
        desk.post(group_of_many(101))
    assert desk.post(group_of_many(100))
