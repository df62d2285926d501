from __future__ import annotations

import itertools
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from esi_flows.model.errors import Compacted
from esi_flows.store._client import rpc
from esi_flows.store.base import Batch, Event, Put
from esi_flows.store.embedded import EmbeddedCluster, EmbeddedEtcd
from esi_flows.store.etcd import MAX_OPS, EtcdStore
from esi_flows.store.watch import EtcdWatch
from tests.store.conftest import Connect
from tests.store.support import Writers, compact, events_until, leader


def write_many(store: EtcdStore, count: int) -> int:
    """``count`` revisions of 1 KiB below ``/w/``, the last of them ``/w/end``; the first one."""
    first = store.put("/w/first", b"")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: store.put(f"/w/{n}", b"x" * 1024), range(count - 2)))
    store.put("/w/end", b"")
    return first


def assert_complete(events: list[Event], first: int, count: int) -> None:
    """Each revision once: none lost, none twice, none out of order."""
    assert [event.mod_revision for event in events] == list(range(first, first + count))


def test_watch_brings_what_was_written_before_and_after_it_began(store: EtcdStore) -> None:
    first = store.put("/w/1", b"before")
    watch = store.watch("/w/", start_revision=first)
    batches = iter(watch)
    assert next(batches) == Batch((Event("/w/1", b"before", first, first),), first)
    second = store.put("/w/1", b"after")
    assert next(batches) == Batch((Event("/w/1", b"after", second, first),), second)
    watch.cancel()


def test_watch_tells_leases_and_removals(store: EtcdStore) -> None:
    lease = store.grant(60)
    first = store.put("/w/1", b"x", lease=lease)
    store.revoke(lease)
    store.put("/w/end", b"")
    watch = store.watch("/w/", start_revision=first)
    made, gone, _ = events_until(watch, "/w/end")
    watch.cancel()
    assert made == Event("/w/1", b"x", first, first, lease)
    assert gone == Event("/w/1", None, first + 1)


def test_watch_sees_its_prefix_only(store: EtcdStore) -> None:
    first = store.put("/w/1", b"")
    for key in ("/w", "/w0", "/x/1", "/w/end"):
        store.put(key, b"")
    watch = store.watch("/w/", start_revision=first)
    assert [event.key for event in events_until(watch, "/w/end")] == ["/w/1", "/w/end"]
    watch.cancel()


def test_watch_from_now_on_misses_nothing_after_it_is_up(store: EtcdStore) -> None:
    store.put("/w/old", b"")
    watch = store.watch("/w/", start_revision=0)
    seen: list[Event] = []
    with ThreadPoolExecutor() as pool:
        done = pool.submit(lambda: seen.extend(events_until(watch, "/w/end")))
        while not done.done():
            store.put("/w/end", b"")
        done.result()
    watch.cancel()
    assert {event.key for event in seen} == {"/w/end"}


def test_large_revision_comes_in_one_batch(store: EtcdStore) -> None:
    # etcd splits what it has to say about 6 revisions of 1.4 MB into pieces of 2 MB
    revisions = []
    for _ in range(6):
        ops = [Put(f"/w/{n:03}", b"x" * 11_000) for n in range(MAX_OPS)]
        revisions.append(store.txn([], ops).revision)
    watch = store.watch("/w/", start_revision=revisions[0])
    sizes: dict[int, int] = {}
    for batch in watch:
        for revision, events in itertools.groupby(batch.events, lambda e: e.mod_revision):
            assert revision not in sizes, "seen in two batches"
            sizes[revision] = len(list(events))
        if batch.revision >= revisions[-1]:
            break
    watch.cancel()
    assert sizes == dict.fromkeys(revisions, MAX_OPS)


def test_replay_goes_on_where_it_was_after_a_kill(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint)
    first = write_many(store, 3000)
    watch = store.watch("/w/", start_revision=first)
    batches = iter(watch)
    events = list(next(batches).events)
    assert len(events) < 3000, "the replay must come in several batches to be interrupted"
    own_etcd.process.kill()
    own_etcd.restart()
    for batch in batches:
        events += batch.events
        if events[-1].key == "/w/end":
            break
    watch.cancel()
    assert_complete(events, first, 3000)


def test_watch_sees_each_write_once_over_kills_under_load(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint, timeout_seconds=2)
    watch = store.watch("/w/", start_revision=store.put("/w/begin", b""))
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(events_until, watch, "/w/end")
        with Writers(store, "/w/") as writers:
            for _ in range(3):
                writers.wait_acked(200)
                own_etcd.process.kill()
                own_etcd.restart()
            writers.wait_acked(200)
        store.put("/w/end", b"")
        events = seen.result(timeout=30)
    watch.cancel()
    listed = sorted(item.mod_revision for item in store.range("/w/").items)
    assert [event.mod_revision for event in events] == listed


def test_watch_goes_on_when_the_leader_is_killed(
    cluster: EmbeddedCluster, connected: Connect
) -> None:
    store = connected(*cluster.endpoints, timeout_seconds=1.5)
    watch = store.watch("/w/", start_revision=store.put("/w/begin", b""))
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(events_until, watch, "/w/end")
        with Writers(store, "/w/") as writers:
            for _ in range(2):
                writers.wait_acked(100)
                killed = leader(cluster)
                cluster.kill(killed)
                writers.wait_acked(100)
                cluster.restart(killed)
        store.put("/w/end", b"")
        events = seen.result(timeout=30)
    watch.cancel()
    listed = sorted(item.mod_revision for item in store.range("/w/").items)
    assert [event.mod_revision for event in events] == listed


def test_watch_on_a_frozen_member_moves_to_another(
    cluster: EmbeddedCluster, connected: Connect
) -> None:
    frozen = (leader(cluster) + 1) % 3
    endpoints = cluster.endpoints[frozen:] + cluster.endpoints[:frozen]
    watcher = connected(*endpoints)
    revision = watcher.put("/w/begin", b"")
    watch = EtcdWatch(watcher._session, "/w/", start_revision=revision, silence_seconds=0.3)
    batches = iter(watch)
    next(batches)
    cluster.pause(frozen)
    connected(*endpoints[1:]).put("/w/end", b"")
    with ThreadPoolExecutor() as pool:
        # gRPC by itself would take 15 s to notice
        batch = pool.submit(next, batches).result(timeout=4)
    assert [event.key for event in batch.events] == ["/w/end"]
    watch.cancel()
    cluster.resume(frozen)


def test_quiet_watch_is_not_taken_for_a_dead_one(
    store: EtcdStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "esi_flows.store.watch")
    revision = store.put("/w/begin", b"")
    watch = EtcdWatch(store._session, "/w/", start_revision=revision, silence_seconds=0.2)
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(events_until, watch, "/w/end")
        threading.Event().wait(1.0)  # five times as long as it may be silent
        store.put("/w/end", b"")
        assert len(seen.result(timeout=5)) == 2
    watch.cancel()
    assert caplog.records == []


def test_answer_to_our_own_asking_does_not_move_the_position(store: EtcdStore) -> None:
    # etcd 3.4 can give it before events of older revisions
    watch = EtcdWatch(store._session, "/w/", start_revision=5)
    header = rpc.ResponseHeader(revision=100)
    assert watch._batch([], rpc.WatchResponse(header=header, watch_id=-1)) is None
    event = rpc.Event(kv=rpc.KeyValue(key=b"/w/1", mod_revision=5, create_revision=5))
    assert watch._batch([event], rpc.WatchResponse(header=header)) == Batch(
        (Event("/w/1", b"", 5, 5),), 5
    )


def test_notice_that_nothing_happened_moves_the_position(store: EtcdStore) -> None:
    watch = EtcdWatch(store._session, "/w/", start_revision=5)
    notice = rpc.WatchResponse(header=rpc.ResponseHeader(revision=100))
    assert watch._batch([], notice) == Batch((), 100)
    old = rpc.Event(kv=rpc.KeyValue(key=b"/w/1", mod_revision=7))
    assert watch._batch([old], notice) is None, "an event that comes twice is seen once"


def test_watch_from_a_compacted_revision_says_from_where_to_go_on(
    store: EtcdStore, etcd: EmbeddedEtcd
) -> None:
    first = store.put("/w/1", b"")
    last = store.put("/w/1", b"")
    compact(etcd.endpoint, last)
    with pytest.raises(Compacted) as caught:
        next(iter(store.watch("/w/", start_revision=first)))
    assert caught.value.revision == last


def test_compaction_does_not_touch_a_watch_that_is_up_to_date(
    store: EtcdStore, etcd: EmbeddedEtcd
) -> None:
    watch = store.watch("/w/", start_revision=store.put("/w/1", b""))
    batches = iter(watch)
    next(batches)
    compact(etcd.endpoint, store.put("/other", b""))
    store.put("/w/end", b"")
    assert [event.key for event in next(batches).events] == ["/w/end"]
    watch.cancel()


def test_compaction_of_what_an_interrupted_watch_has_not_seen_is_told(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint)
    first = write_many(store, 3000)
    batches = iter(store.watch("/w/", start_revision=first))
    next(batches)
    compact(own_etcd.endpoint, first + 2999)
    own_etcd.process.kill()
    own_etcd.restart()
    with pytest.raises(Compacted):
        list(batches)


def test_etcd_that_lost_what_was_seen_is_noticed(
    own_etcd: EmbeddedEtcd, connected: Connect, tmp_path: Path
) -> None:
    store = connected(own_etcd.endpoint)
    for _ in range(10):
        revision = store.put("/w/1", b"")
    batches = iter(store.watch("/w/", start_revision=revision))
    next(batches)
    own_etcd.process.kill()
    shutil.rmtree(tmp_path / "etcd" / "data")
    own_etcd.restart()
    with pytest.raises(Compacted, match="gone back in time"):
        next(batches)


@pytest.mark.parametrize("end", ["cancel", "close"])
@pytest.mark.parametrize("server", ["up", "down"])
def test_watch_ends_when_told(
    own_etcd: EmbeddedEtcd, connected: Connect, end: str, server: str
) -> None:
    store = connected(own_etcd.endpoint)
    watch = store.watch("/w/", start_revision=store.put("/w/1", b""))
    batches = iter(watch)
    next(batches)
    if server == "down":
        own_etcd.process.kill()
    with ThreadPoolExecutor() as pool:
        rest = pool.submit(list, batches)
        watch.cancel() if end == "cancel" else store.close()
        assert rest.result(timeout=5) == []


def test_watch_cancelled_before_it_is_read_brings_nothing(store: EtcdStore) -> None:
    watch = store.watch("/w/", start_revision=store.put("/w/1", b""))
    watch.cancel()
    assert list(watch) == []
