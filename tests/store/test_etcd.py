from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from esi_flows.model.errors import (
    Compacted,
    LeaseLost,
    NoSpace,
    SettingsInvalid,
    StoreError,
    StoreUnavailable,
    TooLarge,
)
from esi_flows.store.base import (
    Compare,
    Delete,
    DeletePrefix,
    KeyValue,
    Op,
    Put,
    absent,
    created_at,
    unchanged,
)
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import MAX_OPS, MAX_REQUEST_BYTES, EtcdStore, connect
from tests.store.support import admin, compact


def test_get_tells_when_a_key_was_made_and_last_written(store: EtcdStore) -> None:
    created = store.put("/a/1", b"one")
    written = store.put("/a/1", b"two")
    assert store.get("/a/1") == KeyValue("/a/1", b"two", created, written)


def test_get_of_no_key_is_none(store: EtcdStore) -> None:
    assert store.get("/a/none") is None


def test_delete_tells_whether_the_key_was_there(store: EtcdStore) -> None:
    store.put("/a/1", b"one")
    assert store.delete("/a/1") is True
    assert store.delete("/a/1") is False


def test_key_that_is_not_utf8_survives_a_round_trip(store: EtcdStore) -> None:
    key = b"/a/\xff\xfe".decode("utf-8", "surrogateescape")
    store.put(key, b"odd")
    assert [item.key for item in store.range("/a/").items] == [key]
    assert store.delete(key)


def test_range_has_what_starts_with_the_prefix_in_order(store: EtcdStore) -> None:
    for key in ("/a/2", "/a/1", "/a0", "/b/1", "/a"):
        store.put(key, b"")
    assert [item.key for item in store.range("/a/").items] == ["/a/1", "/a/2"]


def test_range_reads_ten_thousand_keys_at_one_revision(store: EtcdStore) -> None:
    keys = [f"/many/{n:05}" for n in range(10_000)]
    for start in range(0, len(keys), MAX_OPS):
        store.txn([], [Put(key, b"value") for key in keys[start : start + MAX_OPS]])
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            store.txn([], [Put(keys[0], b"new"), Put(keys[-1], b"new")])

    store.txn([], [Put(keys[0], b"new"), Put(keys[-1], b"new")])
    with ThreadPoolExecutor() as pool:
        pool.submit(disturb)
        try:
            listings = [store.range("/many/") for _ in range(3)]
        finally:
            stop.set()
    for listing in listings:
        assert [item.key for item in listing.items] == keys
        # the first and the last page must not be of different times
        assert listing.items[0].mod_revision == listing.items[-1].mod_revision <= listing.revision


def test_range_at_an_old_revision_shows_what_was(store: EtcdStore) -> None:
    revision = store.put("/a/1", b"old")
    store.put("/a/1", b"new")
    listing = store.range("/a/", revision=revision)
    assert [item.value for item in listing.items] == [b"old"]
    assert listing.revision == revision


def test_range_at_a_compacted_revision_says_so(store: EtcdStore, etcd: EmbeddedEtcd) -> None:
    revision = store.put("/a/1", b"old")
    compact(etcd.endpoint, store.put("/a/1", b"new"))
    with pytest.raises(Compacted):
        store.range("/a/", revision=revision)


def test_prefix_without_slash_is_refused(store: EtcdStore) -> None:
    with pytest.raises(StoreError, match="is no prefix"):
        store.range("/jobs/1")
    with pytest.raises(StoreError, match="is no prefix"):
        store.txn([], [DeletePrefix("/jobs/1")])


@pytest.mark.parametrize(
    ("compares", "holds"),
    [
        ([absent("/none")], True),
        ([absent("/a")], False),
        ([created_at("/a", 0)], False),
        ([unchanged("/none", 0)], True),
        ([unchanged("/a", 0)], False),
        ([absent("/none"), absent("/a")], False),
        ([], True),
    ],
)
def test_txn_writes_only_if_every_compare_holds(
    store: EtcdStore, compares: list[Compare], holds: bool
) -> None:
    store.put("/a", b"")
    assert store.txn(compares, [Put("/b", b"")]).succeeded is holds
    assert (store.get("/b") is not None) is holds


def test_created_at_holds_until_the_key_is_made_anew(store: EtcdStore) -> None:
    token = store.put("/claim", b"me")
    store.put("/claim", b"still me")
    assert store.txn([created_at("/claim", token)], []).succeeded
    store.delete("/claim")
    store.put("/claim", b"somebody else")
    assert not store.txn([created_at("/claim", token)], []).succeeded


def test_unchanged_holds_until_the_key_is_written(store: EtcdStore) -> None:
    revision = store.put("/a", b"1")
    assert store.txn([unchanged("/a", revision)], [Put("/a", b"2")]).succeeded
    assert not store.txn([unchanged("/a", revision)], [Put("/a", b"3")]).succeeded


def test_txn_does_all_its_operations_at_one_revision(store: EtcdStore) -> None:
    store.put("/gone", b"")
    store.put("/all/1", b"")
    store.put("/all/2", b"")
    ops = [Put("/new/1", b"x"), Put("/new/2", b"y"), Delete("/gone"), DeletePrefix("/all/")]
    done = store.txn([], ops)
    assert [item.mod_revision for item in store.range("/new/").items] == [done.revision] * 2
    assert store.get("/gone") is None
    assert store.range("/all/").items == ()


def test_of_many_that_claim_at_once_one_wins(store: EtcdStore) -> None:
    barrier = threading.Barrier(16)

    def claim(number: int) -> bool:
        barrier.wait()
        return store.txn([absent("/claim")], [Put("/claim", b"%d" % number)]).succeeded

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(claim, range(16)))
    assert won.count(True) == 1
    found = store.get("/claim")
    assert found is not None
    assert found.value == b"%d" % won.index(True)


@pytest.mark.parametrize(
    "ops",
    [
        [Put(f"/a/{n}", b"") for n in range(MAX_OPS + 1)],
        [Put("/a/1", b"x" * MAX_REQUEST_BYTES)],
        [Put(f"/a/{n}", b"x" * (MAX_REQUEST_BYTES // 4)) for n in range(5)],
    ],
    ids=["operations", "one value", "values together"],
)
def test_too_large_a_txn_is_refused_before_it_is_sent(ops: list[Op]) -> None:
    # nobody listens there: only a check on our side can answer
    store = connect(["http://127.0.0.1:1"], timeout_seconds=0.2)
    with pytest.raises(TooLarge, match="etcd takes"):
        store.txn([], ops)
    store.close()


def test_too_large_a_put_is_refused(store: EtcdStore) -> None:
    with pytest.raises(TooLarge):
        store.put("/a", b"x" * (MAX_REQUEST_BYTES + 1))
    # below our limit, above etcd's once it is packed
    with pytest.raises(TooLarge):
        store.put("/a", b"x" * MAX_REQUEST_BYTES)


def test_largest_txn_that_etcd_takes_is_sent(store: EtcdStore) -> None:
    assert store.txn([], [Put(f"/a/{n:03}", b"x" * 11_000) for n in range(MAX_OPS)]).succeeded
    assert len(store.range("/a/").items) == MAX_OPS


def test_the_same_key_twice_in_one_txn_is_an_error(store: EtcdStore) -> None:
    with pytest.raises(StoreError, match="duplicate key"):
        store.txn([], [Put("/a", b"1"), Put("/a", b"2")])


def test_key_goes_with_its_lease(store: EtcdStore) -> None:
    lease = store.grant(60)
    store.txn([], [Put("/a", b"", lease)])
    found = store.get("/a")
    assert found is not None
    assert found.lease == lease
    store.revoke(lease)
    assert store.get("/a") is None


def test_lease_that_is_gone_is_told_and_not_an_error_to_revoke(store: EtcdStore) -> None:
    lease = store.grant(60)
    assert store.keep_alive(lease) == 60
    store.revoke(lease)
    assert store.keep_alive(lease) <= 0
    store.revoke(lease)


def test_write_under_a_lease_that_is_gone_is_refused(store: EtcdStore) -> None:
    lease = store.grant(60)
    store.revoke(lease)
    with pytest.raises(LeaseLost):
        store.put("/a", b"", lease=lease)
    with pytest.raises(LeaseLost):
        store.txn([], [Put("/a", b"", lease), Put("/b", b"")])
    assert store.get("/b") is None


def test_full_etcd_refuses_writes_until_it_is_cleaned(own_etcd_small: EmbeddedEtcd) -> None:
    store = connect([own_etcd_small.endpoint])

    def fill() -> None:
        while True:
            store.put("/a", b"x" * 1_000_000)

    with pytest.raises(NoSpace) as caught:
        fill()
    assert "etcdctl defrag" in caught.value.hint
    found = store.get("/a")
    assert found is not None, "reading must go on"
    _clean(own_etcd_small.endpoint, found.mod_revision)
    store.put("/a", b"")
    store.close()


@pytest.fixture
def own_etcd_small(etcd_program: Path, tmp_path: Path) -> Iterator[EmbeddedEtcd]:
    with EmbeddedEtcd(tmp_path / "etcd", arguments=("--quota-backend-bytes=8000000",)) as server:
        yield server


def _clean(endpoint: str, revision: int) -> None:
    client = admin(endpoint)
    client.compact(revision, physical=True)
    client.defragment()
    for alarm in client.list_alarms():
        client.disarm_alarm(alarm.member_id)
    client.close()


def test_closed_store_says_so(store: EtcdStore) -> None:
    store.put("/a", b"")
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.get("/a")


@pytest.mark.parametrize(
    ("endpoints", "options", "what"),
    [
        ([], {}, "no etcd endpoint"),
        (["ftp://here"], {}, "is no etcd endpoint"),
        (["http://here:port"], {}, "is no etcd endpoint"),
        (["https://here"], {}, "needs a CA certificate"),
        (["http://here"], {"ca_cert": "/ca.pem"}, "without TLS"),
        (["https://here"], {"ca_cert": "/no/such/ca.pem"}, "/no/such/ca.pem"),
        (["here"], {"cert": "/cert.pem"}, "needs its key"),
        (["here"], {"user": "me"}, "go together"),
    ],
)
def test_connect_refuses_what_cannot_work(
    endpoints: list[str], options: dict[str, Any], what: str
) -> None:
    with pytest.raises(SettingsInvalid, match=what):
        connect(endpoints, **options)


def test_endpoint_may_be_written_without_scheme(etcd: EmbeddedEtcd) -> None:
    store = connect([etcd.endpoint.removeprefix("http://")])
    assert store.get("/none") is None
    store.close()


def test_a_key_can_be_read_as_it_was(store: EtcdStore) -> None:
    first = store.put("/a/b", b"1")
    store.put("/a/bc", b"of another")
    store.put("/a/b", b"2")
    before = store.get("/a/b", revision=first)
    assert before is not None
    assert (before.value, before.mod_revision) == (b"1", first)
    assert store.get("/a/bc", revision=first) is None
