from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from esi_flows.model.errors import Indeterminate, ServerError, StoreError, StoreUnavailable
from esi_flows.store._client import rpc
from esi_flows.store.base import Put, absent
from esi_flows.store.embedded import EmbeddedCluster, EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore
from tests.store.conftest import Connect
from tests.store.support import Writers, leader


def assert_as_told(store: EtcdStore, prefix: str, writers: Writers) -> None:
    """What was acknowledged is there, what was refused is not, the rest may be."""
    found = {item.key: item.mod_revision for item in store.range(prefix).items}
    assert {key: found.get(key) for key in writers.acked} == writers.acked
    assert not writers.refused & found.keys()
    assert found.keys() <= writers.acked.keys() | writers.unknown


def test_read_waits_for_a_server_that_comes_back(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint)
    store.put("/a", b"kept")
    own_etcd.process.kill()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(store.get, "/a")
        own_etcd.restart()
        found = answer.result()
    assert found is not None
    assert found.value == b"kept"


def test_write_that_never_left_is_sent_when_the_server_is_back(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint)
    store.put("/a", b"")
    own_etcd.process.kill()
    # the connection must be known to be gone, or the first write would be on its way already
    with pytest.raises(StoreUnavailable):
        connected(own_etcd.endpoint, timeout_seconds=0.2).get("/a")
    with pytest.raises(StoreError):
        connected(own_etcd.endpoint, timeout_seconds=0.2).put("/a", b"never")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(connected(own_etcd.endpoint).txn, [absent("/b")], [Put("/b", b"1")])
        own_etcd.restart()
        assert answer.result().succeeded
    found = store.get("/a")
    assert found is not None
    assert found.value == b""


def test_no_server_is_told_within_the_timeout(connected: Connect) -> None:
    store = connected("http://127.0.0.1:1", "http://127.0.0.1:2", timeout_seconds=0.5)
    for call in (lambda: store.get("/a"), lambda: store.put("/a", b"")):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.5 s") as caught:
            call()
        assert time.monotonic() - began < 1.5
        assert "etcdctl endpoint status --endpoints=" in caught.value.hint


def test_frozen_server_leaves_a_write_unknown_and_a_read_unanswered(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint, timeout_seconds=0.5)
    store.put("/a", b"before")
    own_etcd.process.pause()
    began = time.monotonic()
    with pytest.raises(Indeterminate, match="may or may not have been written"):
        store.put("/a", b"frozen")
    with pytest.raises(StoreUnavailable):
        store.get("/a")
    assert time.monotonic() - began < 3
    own_etcd.process.resume()
    assert connected(own_etcd.endpoint).get("/a") is not None


def test_frozen_server_at_first_contact_is_known_to_have_got_nothing(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    own_etcd.process.pause()
    with pytest.raises(StoreUnavailable):
        connected(own_etcd.endpoint, timeout_seconds=0.5).put("/a", b"")
    own_etcd.process.resume()
    assert connected(own_etcd.endpoint).get("/a") is None


def test_every_write_is_as_told_after_kills_under_load(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint, timeout_seconds=2)
    with Writers(store, "/load/") as writers:
        for _ in range(3):
            writers.wait_acked(200)
            own_etcd.process.kill()
            own_etcd.restart()
        writers.wait_acked(200)
    assert_as_told(store, "/load/", writers)


def test_writes_go_on_when_the_leader_is_killed(
    cluster: EmbeddedCluster, connected: Connect
) -> None:
    # what a dead leader had been given is answered by the timeout only
    store = connected(*cluster.endpoints, timeout_seconds=1.5)
    with Writers(store, "/load/") as writers:
        for _ in range(2):
            writers.wait_acked(100)
            killed = leader(cluster)
            cluster.kill(killed)
            writers.wait_acked(100)
            cluster.restart(killed)
    assert_as_told(store, "/load/", writers)


def test_majority_lost_is_told_and_mended(cluster: EmbeddedCluster, connected: Connect) -> None:
    store = connected(*cluster.endpoints, timeout_seconds=1.0)
    store.put("/a", b"1")
    cluster.kill(0)
    cluster.kill(1)
    with pytest.raises(StoreUnavailable):
        store.get("/a")
    with pytest.raises(StoreError):
        store.put("/a", b"2")
    cluster.restart(0, 1)
    assert connected(*cluster.endpoints).get("/a") is not None


def test_frozen_member_is_left_for_another(cluster: EmbeddedCluster, connected: Connect) -> None:
    first = leader(cluster)
    endpoints = cluster.endpoints[first:] + cluster.endpoints[:first]
    store = connected(*endpoints, timeout_seconds=6.0)
    store.put("/a", b"1")
    cluster.pause(first)
    began = time.monotonic()
    assert store.get("/a") is not None
    assert time.monotonic() - began < 5.0
    # from now on the others are asked first
    began = time.monotonic()
    store.put("/a", b"2")
    assert time.monotonic() - began < 1.0
    cluster.resume(first)


def test_dead_endpoint_among_living_ones_costs_nothing(
    etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected("http://127.0.0.1:1", etcd.endpoint, timeout_seconds=2.0)
    began = time.monotonic()
    store.put("/a", b"")
    assert time.monotonic() - began < 1.0


@pytest.fixture
def losing_server() -> Iterator[str]:
    """What says it is etcd 3.5.1. (A real one is not to be had without taking its risk.)"""
    status = grpc.unary_unary_rpc_method_handler(
        lambda request, context: rpc.StatusResponse(version="3.5.1"),
        request_deserializer=rpc.StatusRequest.FromString,
        response_serializer=rpc.StatusResponse.SerializeToString,
    )
    service = "etcdserverpb.Maintenance"
    with ThreadPoolExecutor() as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Status": status}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"http://127.0.0.1:{port}"
        server.stop(None).wait()


def test_server_that_loses_writes_is_refused(losing_server: str, connected: Connect) -> None:
    with pytest.raises(ServerError, match=r"3\.5\.1 can lose writes") as caught:
        connected(losing_server).put("/a", b"")
    assert "apt-get install etcd-server" in caught.value.hint


def test_server_that_loses_writes_can_be_allowed(losing_server: str, connected: Connect) -> None:
    # let through: what comes now is asked of the server, which knows no Put
    with pytest.raises(StoreError, match="not found"):
        connected(losing_server, allow_unsafe_server=True).put("/a", b"")
