from __future__ import annotations

from esi_flows.store.base import Delete, Put, absent, created_at
from esi_flows.store.etcd import EtcdStore


def test_smoke(store: EtcdStore) -> None:
    revision = store.put("/a/1", b"x")
    found = store.get("/a/1")
    assert found is not None
    assert found.mod_revision == revision
    assert not store.txn([absent("/a/1")], [Put("/a/1", b"y")]).succeeded
    assert store.txn([created_at("/a/1", revision)], [Put("/a/2", b"y"), Delete("/a/1")]).succeeded
    watch = store.watch("/a/", start_revision=revision)
    batches = iter(watch)
    first = next(batches)
    assert [e.key for e in first.events][:1] == ["/a/1"]
    watch.cancel()
    assert list(batches) == []
    lease = store.grant(5)
    assert store.keep_alive(lease) > 0
    store.revoke(lease)
    store.revoke(lease)
    assert store.keep_alive(lease) <= 0
    assert [i.key for i in store.range("/a/").items] == ["/a/2"]
