"""What the reader refuses, forgets and waits for; one odd intent never holds up the others."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from esi_flows.compiler.queue import Queue
from esi_flows.conductor.reader import Reader
from esi_flows.conductor.service import Conductor
from esi_flows.conductor.templates import CurrentCatalog
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Delete, Put
from esi_flows.store.claims import Claim
from esi_flows.store.etcd import EtcdStore
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import catch_up
from tests.conductor.conftest import World, network, port, small_catalog
from tests.plugins import ListHandler, make_job

WATCHED = (keys.CONFIG, keys.MEMO, keys.JOBS, keys.GROUPS, keys.QUARANTINE)


def test_an_intent_that_is_too_large_is_refused_and_holds_nobody_up(
    world: World, conductor: Conductor
) -> None:
    world.want(network("big"), text="x" * 1_450_000)
    world.want(network("small"))
    assert world.state(network("small"))["error"] == ""
    refused = world.state(network("big"))
    assert refused["state"]["worker_state"] == "CREATE_FAILED"
    assert "bytes" in refused["error"]
    assert world.read(keys.quarantine(keys.config(network("big"))))["hint"]


def test_each_version_that_is_refused_is_told_of(world: World, conductor: Conductor) -> None:
    for version in (1, 2):
        world.want(port("p1"), version, network_id="missing")
        assert world.state(port("p1"), version)["version"] == version


def test_a_refused_document_that_is_gone_leaves_no_quarantine(
    world: World, conductor: Conductor
) -> None:
    unknown = ResourcePath("v2.0/unheard", "x")
    for path in (network("bad"), unknown):
        world.store.put(keys.config(path), b"{no json")
        world.until(keys.quarantine(keys.config(path)), lambda d: d is not None)
        world.store.delete(keys.config(path))
        world.until(keys.quarantine(keys.config(path)), lambda d: d is None)


def test_the_same_refusal_is_written_once(world: World, conductor: Conductor) -> None:
    world.want(port("p1"), network_id="missing")
    world.state(port("p1"))
    found = world.store.get(keys.quarantine(keys.config(port("p1"))))
    world.want(network("n1"))
    world.state(network("n1"))
    assert found == world.store.get(keys.quarantine(keys.config(port("p1"))))


def test_a_resource_wanted_anew_after_its_deletion_begins_with_version_1(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    path = network("n1")
    world.want(path)
    world.state(path)
    world.want(path, 2, deleted=True)
    world.state(path, 2)
    world.want(path, 1)
    world.until(keys.state(path), lambda d: d["version"] == 1)
    assert world.group("network:n1:1").state is GroupState.SUCCESS
    assert [call.split(":")[0] for call in heat.calls] == [
        "execute create",
        "execute logical_delete",
        "execute create",
    ]


def test_a_group_is_not_posted_again_while_the_one_of_its_name_runs(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    """Created, deleted and wanted anew faster than the first creation takes."""
    path = network("n1")
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate
    world.want(path)
    world.until(keys.job_state(path), lambda d: d == {})
    first = world.group("network:n1:1").job_ids
    world.want(path, 2, deleted=True)
    world.until(keys.memo(path), lambda d: d["version"] == 2)
    world.want(path, 1)
    world.want(network("n2"))
    world.until(keys.group("network:n2:1"), lambda d: d is not None)
    assert world.group("network:n1:1").job_ids == first
    gate.set_result(None)
    world.until(keys.memo(path), lambda d: d["version"] == 1)
    world.until(
        keys.group("network:n1:1"), lambda d: d["state"] == "SUCCESS" and d["job_ids"] != [*first]
    )
    assert world.group("network:n1:2").state is GroupState.SUCCESS
    assert world.read(keys.state(path))["version"] == 1


@pytest.mark.parametrize("late", [False, True])
def test_nothing_is_forgotten_while_a_group_still_works_on_it(
    world: World, heat: ListHandler, conductor: Conductor, late: bool
) -> None:
    """The intent is removed while its creation runs, or in the very moment it is posted."""
    path = network("n1")
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate
    world.want(path)
    if late:
        world.until(keys.job_state(path), lambda d: d == {})
    else:
        world.until(keys.memo(path), lambda d: d is not None)
    world.store.delete(keys.config(path))
    world.want(network("n2"))
    world.until(keys.memo(network("n2")), lambda d: d is not None)
    assert world.read(keys.memo(path)) is not None
    gate.set_result(None)
    world.until(keys.memo(path), lambda d: d is None)
    assert world.group("network:n1:1").state is GroupState.SUCCESS


def test_what_was_watched_of_a_resource_is_forgotten_with_it(
    world: World, conductor: Conductor
) -> None:
    """Its intent was removed without a mark, or what ended its monitoring failed."""
    path, other = network("n1"), network("n10")
    for watched in (path, other):
        world.want(watched)
        world.state(watched)
        world.store.put(keys.target(watched, "switch"), b"{}")
    world.store.delete(keys.config(path))
    world.until(keys.target(path, "switch"), lambda d: d is None)
    assert world.read(keys.target(other, "switch")) == {}


def test_a_memo_that_cannot_be_read_refuses_its_resource_only(
    world: World, conductor: Conductor
) -> None:
    path = network("n1")
    world.store.put(keys.memo(path), b"{no json")
    world.want(path)
    note = world.until(keys.quarantine(keys.config(path)), lambda d: d is not None)
    assert keys.memo(path) in note["reason"]
    world.want(network("n2"))
    assert world.state(network("n2"))["error"] == ""
    world.store.txn([], [Delete(keys.memo(path)), Put("/unrelated", b"")])
    assert world.state(path)["error"] == ""
    world.until(keys.quarantine(keys.config(path)), lambda d: d is None)


def test_nobody_waits_for_a_job_that_has_ended_by_then(store: EtcdStore) -> None:
    """The news that a job has left the queue may come later than the intent written after it."""
    cache, queue = Reflector(store, WATCHED), Queue()  # not started: it knows what it is told
    reader = Reader(
        store, cache, CurrentCatalog(small_catalog(), cache), queue, suffix=lambda: "abcde"
    )
    claim = Claim(keys.READER_ROLE, store.put(keys.claim(keys.READER_ROLE), b"me"))
    job = make_job("create:heat_worker:network:n1:1:abcde", handler="heat_worker", last=True)
    store.put(keys.job(job.id), job.encode())
    queue.add(job)
    for path, body in ((network("n1"), {}), (port("p1"), {"network_id": "n1"})):
        intent = Intent({"id": path.id, "name": path.id, **body}, 1)
        store.put(keys.config(path), intent.encode())
    store.put(keys.memo(network("n1")), Memo({"id": "n1"}, 1).encode())
    catch_up(store, cache, WATCHED)
    store.delete(keys.job(job.id))

    reader.consider_all([port("p1")], claim)
    assert store.get(keys.group("port:p1:1")) is None

    catch_up(store, cache, WATCHED)
    queue.remove(job.id)
    reader.consider_all([], claim)
    posted = store.get(keys.group("port:p1:1"))
    assert posted is not None
    assert GroupRecord.decode(posted.key, posted.value).waits_for == ()
