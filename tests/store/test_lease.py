from __future__ import annotations

import threading
import time

import pytest

from esi_flows.model.errors import StoreUnavailable
from esi_flows.store.base import Put, absent
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore
from esi_flows.store.lease import KeptLease
from tests.store.conftest import Connect

TTL = 3  # etcd grants no less than 2 s here


def test_lease_is_kept_beyond_its_time(store: EtcdStore) -> None:
    lease = KeptLease(store, TTL)
    lease.start()
    store.put("/a", b"", lease=lease.id)
    assert not lease.lost.wait(TTL + 1.5)
    assert lease.alive()
    assert store.get("/a") is not None
    lease.stop()


def test_stopped_lease_is_given_back_at_once(store: EtcdStore) -> None:
    lease = KeptLease(store, 60)
    lease.start()
    store.put("/a", b"", lease=lease.id)
    lease.stop()
    assert store.get("/a") is None
    assert not lease.alive()
    assert not lease.lost.is_set(), "given back is not lost"


def test_start_without_etcd_says_so(connected: Connect) -> None:
    lease = KeptLease(connected("http://127.0.0.1:1", timeout_seconds=0.2), TTL)
    with pytest.raises(StoreUnavailable):
        lease.start()
    assert not lease.alive()
    lease.stop()


def test_lease_survives_a_restart_of_etcd(own_etcd: EmbeddedEtcd, connected: Connect) -> None:
    store = connected(own_etcd.endpoint, timeout_seconds=1)
    lease = KeptLease(store, TTL)
    lease.start()
    store.put("/a", b"", lease=lease.id)
    own_etcd.process.kill()
    own_etcd.restart()
    before = lease.deadline
    assert not lease.lost.wait(TTL)
    assert lease.deadline > before
    assert store.get("/a") is not None
    lease.stop()


@pytest.mark.parametrize("outage", ["kill", "pause"])
def test_lease_is_lost_at_its_deadline_in_an_outage(
    own_etcd: EmbeddedEtcd, connected: Connect, outage: str
) -> None:
    # a refresh that hangs for longer than the lease lasts must not delay the news
    store = connected(own_etcd.endpoint, timeout_seconds=30)
    told = threading.Event()
    lease = KeptLease(store, TTL, on_lost=told.set)
    lease.start()
    getattr(own_etcd.process, outage)()
    assert lease.alive()
    assert lease.lost.wait(TTL + 1)
    late = time.monotonic() - lease.deadline
    assert 0 <= late < 0.3
    assert told.wait(1)
    assert not lease.alive()
    own_etcd.process.resume() if outage == "pause" else own_etcd.restart()
    lease.stop()


def test_lease_that_etcd_has_ended_is_lost_at_the_next_refresh(store: EtcdStore) -> None:
    told: list[bool] = []
    lease = KeptLease(store, TTL, on_lost=lambda: told.append(True))
    lease.start()
    store.revoke(lease.id)
    assert lease.lost.wait(TTL / 3 + 0.5)
    assert not lease.alive()
    lease.stop()
    assert told == [True]


def test_nobody_gets_the_key_before_the_lease_counts_as_lost(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    owner, other = connected(own_etcd.endpoint), connected(own_etcd.endpoint)
    lease = KeptLease(owner, TTL)
    lease.start()
    owner.put("/claim", b"owner", lease=lease.id)
    granted = lease.deadline
    while lease.deadline == granted:
        time.sleep(0.02)
    owner.close()  # as good as a network that is gone
    while not other.txn([absent("/claim")], [Put("/claim", b"other")]).succeeded:
        time.sleep(0.02)
    taken = time.monotonic()
    assert lease.lost.is_set()
    assert lease.deadline < taken
    lease.stop()


def test_bug_in_on_lost_is_logged(store: EtcdStore, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("a bug of the caller")

    lease = KeptLease(store, TTL, on_lost=fail)
    lease.start()
    store.revoke(lease.id)
    assert lease.lost.wait(TTL)
    lease.stop()
    assert "on_lost failed" in caplog.messages


def test_an_answer_that_comes_too_late_does_not_bring_the_lease_back(store: EtcdStore) -> None:
    """Whoever has asked in between was told that it is over, and has stopped."""
    lease = KeptLease(store, TTL)
    assert not lease.alive()
    lease._move_deadline(time.monotonic() + TTL)
    assert not lease.alive()
