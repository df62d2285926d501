from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from esi_flows.model.errors import AccessDenied
from esi_flows.store._client import rpc
from esi_flows.store.base import Put, absent
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import connect
from tests.store.conftest import Connect
from tests.store.support import PASSWORD, USER, admin, enable_auth, events_until


@pytest.fixture
def locked_etcd(etcd_program: Path, tmp_path: Path) -> Iterator[EmbeddedEtcd]:
    """An etcd that wants a password, without TLS."""
    with EmbeddedEtcd(tmp_path / "etcd", arguments=("--snapshot-count=10",)) as server:
        enable_auth(server.endpoint)
        yield server


def forget_tokens(server: EmbeddedEtcd) -> None:
    """Make every token invalid, as five idle minutes do."""
    # A restart forgets them, except for those in the log since the last snapshot.
    writer = connect([server.endpoint], user=USER, password=PASSWORD)
    for _ in range(30):
        writer.put("/mine/other", b"")
    token = writer._session.client().metadata
    writer.close()
    server.process.stop()
    server.restart()
    client = admin(server.endpoint)
    with pytest.raises(grpc.RpcError, match="invalid auth token"):
        client.kvstub.Range(rpc.RangeRequest(key=b"/mine/1"), 10, metadata=token)
    client.close()


def test_user_with_password_may_do_what_was_granted(
    locked_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(locked_etcd.endpoint, user=USER, password=PASSWORD)
    revision = store.put("/mine/1", b"x")
    assert len(store.range("/mine/").items) == 1
    assert next(iter(store.watch("/mine/", start_revision=revision))).revision == revision
    assert store.keep_alive(store.grant(60)) == 60


def test_what_was_not_granted_is_denied(locked_etcd: EmbeddedEtcd, connected: Connect) -> None:
    store = connected(locked_etcd.endpoint, user=USER, password=PASSWORD)
    with pytest.raises(AccessDenied, match="put /other/1"):
        store.put("/other/1", b"x")
    with pytest.raises(AccessDenied):
        store.txn([absent("/other/1")], [Put("/mine/1", b"x")])
    with pytest.raises(AccessDenied):
        store.range("/other/")
    with pytest.raises(AccessDenied):
        next(iter(store.watch("/other/", start_revision=1)))


def test_wrong_password_is_denied(locked_etcd: EmbeddedEtcd, connected: Connect) -> None:
    store = connected(locked_etcd.endpoint, user=USER, password="wrong")
    with pytest.raises(AccessDenied, match="authentication failed") as caught:
        store.get("/mine/1")
    assert "wrong" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(AccessDenied):
        next(iter(store.watch("/mine/", start_revision=1)))


def test_no_password_is_told_to_set_one(locked_etcd: EmbeddedEtcd, connected: Connect) -> None:
    with pytest.raises(AccessDenied) as caught:
        connected(locked_etcd.endpoint).get("/mine/1")
    assert "set a user and a password" in caught.value.hint


def test_token_that_expired_is_renewed(locked_etcd: EmbeddedEtcd, connected: Connect) -> None:
    stores = [connected(locked_etcd.endpoint, user=USER, password=PASSWORD) for _ in range(4)]
    revision = max(store.put(f"/mine/{n}", b"") for n, store in enumerate(stores))
    lease = stores[3].grant(60)
    forget_tokens(locked_etcd)
    assert stores[0].get("/mine/1") is not None
    assert stores[1].txn([absent("/mine/new")], [Put("/mine/new", b"")]).succeeded
    assert next(iter(stores[2].watch("/mine/", start_revision=revision))).events
    assert stores[3].keep_alive(lease) > 0


def test_many_threads_renew_an_expired_token(locked_etcd: EmbeddedEtcd, connected: Connect) -> None:
    store = connected(locked_etcd.endpoint, user=USER, password=PASSWORD)
    store.put("/mine/0", b"")
    forget_tokens(locked_etcd)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: store.get(f"/mine/{n}"), range(64)))


def test_running_watch_outlives_its_token(locked_etcd: EmbeddedEtcd, connected: Connect) -> None:
    store = connected(locked_etcd.endpoint, user=USER, password=PASSWORD)
    watch = store.watch("/mine/", start_revision=store.put("/mine/begin", b""))
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(events_until, watch, "/mine/end")
        forget_tokens(locked_etcd)
        # another client: this one's token is renewed by the watch alone
        connected(locked_etcd.endpoint, user=USER, password=PASSWORD).put("/mine/end", b"")
        events = seen.result(timeout=10)
    assert {event.key for event in events} == {"/mine/begin", "/mine/other", "/mine/end"}


def test_user_is_no_harm_where_authentication_is_off(
    own_etcd: EmbeddedEtcd, connected: Connect
) -> None:
    store = connected(own_etcd.endpoint, user=USER, password=PASSWORD)
    store.put("/a", b"")
    assert store.get("/a") is not None


def test_password_is_not_shown(connected: Connect) -> None:
    store = connected("http://127.0.0.1:1", user=USER, password=PASSWORD)
    assert PASSWORD not in repr(store._session._access)
