from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from esi_flows.store.base import KeyValue, Put
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.embedded.process import free_ports
from esi_flows.store.etcd import MAX_OPS, EtcdStore
from esi_flows.store.reflector import Reflector
from tests.store.conftest import Connect
from tests.store.support import Writers, compact

PREFIXES = ("/a/", "/b/")


class Seen:
    """Collects what on_change is told, and waits for it."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self._changed = threading.Condition()

    def __call__(self, keys: Sequence[str]) -> None:
        with self._changed:
            self.calls.append(list(keys))
            self._changed.notify_all()

    @property
    def keys(self) -> list[str]:
        return [key for keys in self.calls for key in keys]

    def wait(self, condition: Callable[[], bool], seconds: float = 15) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout=seconds), self.calls


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def reflect(seen: Seen) -> Iterator[Callable[[EtcdStore], Reflector]]:
    """Starts a reflector of PREFIXES that is synced; stopped after the test."""
    made: list[Reflector] = []

    def start(store: EtcdStore) -> Reflector:
        made.append(Reflector(store, PREFIXES, seen))
        made[-1].start()
        assert made[-1].wait_synced(10)
        return made[-1]

    yield start
    for reflector in made:
        reflector.stop()


Reflect = Callable[[EtcdStore], Reflector]


def test_what_is_there_at_the_start_is_known_and_told(
    store: EtcdStore, reflect: Reflect, seen: Seen
) -> None:
    store.put("/a/1", b"x")
    revision = store.put("/b/1", b"y")
    store.put("/c/1", b"not ours")
    reflector = reflect(store)
    assert [item.key for item in reflector.items("/a/")] == ["/a/1"]
    assert reflector.get("/b/1") == KeyValue("/b/1", b"y", revision, revision)
    assert reflector.get("/c/1") is None
    seen.wait(lambda: set(seen.keys) == {"/a/1", "/b/1"})
    assert reflector.revision >= revision


def test_changes_are_followed(store: EtcdStore, reflect: Reflect, seen: Seen) -> None:
    store.put("/a/1", b"x")
    reflector = reflect(store)
    store.delete("/a/1")
    revision = store.put("/a/2", b"y")
    seen.wait(lambda: "/a/2" in seen.keys and reflector.get("/a/1") is None)
    assert reflector.items("/a/") == [KeyValue("/a/2", b"y", revision, revision)]


def test_nothing_is_missed_between_list_and_watch(
    store: EtcdStore, reflect: Reflect, seen: Seen
) -> None:
    with Writers(store, "/a/") as writers:
        writers.wait_acked(20)
        reflector = reflect(store)
        writers.wait_acked(200)
    seen.wait(lambda: writers.acked.keys() <= set(seen.keys))
    assert {item.key: item.mod_revision for item in reflector.items("/a/")} == writers.acked


def test_write_of_our_own_is_known_at_once(store: EtcdStore, reflect: Reflect, seen: Seen) -> None:
    store.put("/a/old", b"")
    reflector = reflect(store)
    own = KeyValue("/a/own", b"x", 10**9, 10**9)
    reflector.observe([own, KeyValue("/c/1", b"", 10**9, 10**9)], ["/a/old"], 10**9)
    assert reflector.items("/a/") == [own]
    assert reflector.get("/c/1") is None, "what is not followed would never be updated"
    seen.wait(lambda: seen.keys.count("/a/own") == 1 and seen.keys.count("/a/old") >= 1)


def test_outage_is_survived_and_what_came_meanwhile_is_seen(
    own_etcd: EmbeddedEtcd, connected: Connect, reflect: Reflect, seen: Seen
) -> None:
    store = connected(own_etcd.endpoint)
    store.put("/a/1", b"before")
    reflector = reflect(store)
    own_etcd.process.kill()
    found = reflector.get("/a/1")
    assert found is not None, "what is known stays known"
    own_etcd.restart()
    connected(own_etcd.endpoint).put("/a/2", b"after")
    seen.wait(lambda: "/a/2" in seen.keys)
    assert [item.key for item in reflector.items("/a/")] == ["/a/1", "/a/2"]


def test_lists_again_when_the_history_it_needs_is_gone(
    own_etcd: EmbeddedEtcd, connected: Connect, reflect: Reflect, seen: Seen
) -> None:
    store = connected(own_etcd.endpoint)
    store.txn([], [Put("/a/gone", b""), Put("/a/same", b"")])
    reflector = reflect(store)
    seen.wait(lambda: "/a/gone" in seen.keys)
    _change_behind_its_back(own_etcd, connected)
    seen.wait(lambda: "/a/new" in seen.keys)
    assert [item.key for item in reflector.items("/a/")] == ["/a/new", "/a/same"]
    seen.wait(lambda: seen.keys.count("/a/gone") == 2)
    assert seen.keys.count("/a/same") == 1, "what is the same is not told again"


def _change_behind_its_back(server: EmbeddedEtcd, connected: Connect) -> None:
    """Change keys and compact on another port, then come back on the old one."""
    folder = server.process.folder
    server.stop()
    with EmbeddedEtcd(folder, port=free_ports().client) as elsewhere:
        store = connected(elsewhere.endpoint)
        store.delete("/a/gone")
        for _ in range(10):
            revision = store.put("/a/new", b"")
        compact(elsewhere.endpoint, revision)
    server.start()


def test_store_that_went_back_in_time_is_taken_as_it_is(
    own_etcd: EmbeddedEtcd, connected: Connect, reflect: Reflect, seen: Seen, tmp_path: Path
) -> None:
    store = connected(own_etcd.endpoint)
    store.txn([], [Put(f"/a/{n}", b"") for n in range(MAX_OPS)])
    for _ in range(10):
        store.put("/a/1", b"")
    reflector = reflect(store)
    own_etcd.process.kill()
    shutil.rmtree(tmp_path / "etcd" / "data")
    own_etcd.restart()
    connected(own_etcd.endpoint).put("/a/new", b"")
    seen.wait(lambda: "/a/new" in seen.keys)
    assert [item.key for item in reflector.items("/a/")] == ["/a/new"]


def test_on_change_that_raises_does_no_harm(
    store: EtcdStore, caplog: pytest.LogCaptureFixture
) -> None:
    second = threading.Event()

    def fail(keys: Sequence[str]) -> None:
        if "/a/2" in keys:
            second.set()
        raise ValueError("a bug of the caller")

    store.put("/a/1", b"")
    reflector = Reflector(store, PREFIXES, fail)
    reflector.start()
    reflector.wait_synced(10)
    store.put("/a/2", b"")
    assert second.wait(10)
    reflector.stop()
    assert "on_change failed" in caplog.messages


def test_on_change_gets_together_what_came_while_it_worked(store: EtcdStore) -> None:
    calls: list[Sequence[str]] = []
    first, release, last = threading.Event(), threading.Event(), threading.Event()

    def slow(keys: Sequence[str]) -> None:
        calls.append(keys)
        first.set()
        release.wait(10)
        if "/a/99" in keys:
            last.set()

    reflector = Reflector(store, PREFIXES, slow)
    reflector.start()
    reflector.wait_synced(10)
    store.put("/a/00", b"")
    first.wait(10)
    for n in range(1, 100):
        store.put(f"/a/{n:02}", b"")
    while reflector.get("/a/99") is None:
        time.sleep(0.01)
    release.set()
    assert last.wait(10)
    reflector.stop()
    assert [len(keys) for keys in calls] == [1, 99]


def test_not_synced_is_told_while_there_is_no_etcd(connected: Connect) -> None:
    store = connected("http://127.0.0.1:1", timeout_seconds=0.2)
    reflector = Reflector(store, PREFIXES)
    reflector.start()
    assert not reflector.wait_synced(0.3)
    assert reflector.revision == 0
    reflector.stop()


def test_comes_to_life_when_etcd_does(own_etcd: EmbeddedEtcd, connected: Connect) -> None:
    own_etcd.process.kill()
    reflector = Reflector(connected(own_etcd.endpoint, timeout_seconds=0.2), PREFIXES)
    reflector.start()
    assert not reflector.wait_synced(0.5)
    own_etcd.restart()
    assert reflector.wait_synced(10)
    reflector.stop()
