"""What the tests of the store ask of etcd beyond the store interface."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from esi_flows.model.errors import Indeterminate, StoreUnavailable
from esi_flows.store._client import Access, EndpointClient, rpc
from esi_flows.store.base import Event, Store, Watch
from esi_flows.store.embedded import EmbeddedCluster

USER, PASSWORD = "conductor", "correct horse"


def admin(endpoint: str) -> EndpointClient:
    """A bare client for what only an administrator does. Close it."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    client = EndpointClient(host, int(port), Access())
    client.timeout = 10.0
    return client


def compact(endpoint: str, revision: int) -> None:
    """Drop the history before ``revision``."""
    client = admin(endpoint)
    client.compact(revision)
    client.close()


def leader(cluster: EmbeddedCluster) -> int:
    """The member that leads."""
    for number, endpoint in enumerate(cluster.endpoints):
        client = admin(endpoint)
        status = client.maintenancestub.Status(rpc.StatusRequest(), 10.0)
        client.close()
        if status.leader == status.header.member_id:
            return number
    raise AssertionError("nobody leads")


def enable_auth(endpoint: str) -> None:
    """Create root, and USER who may do everything below ``/mine/``; demand passwords from now."""
    client = admin(endpoint)
    stub = rpc.AuthStub(client.channel)

    def call(method: str, request: Any) -> None:
        getattr(stub, method)(request, 10.0)

    call("RoleAdd", rpc.AuthRoleAddRequest(name="mine"))
    permission = rpc.Permission(
        permType=rpc.Permission.READWRITE, key=b"/mine/", range_end=b"/mine0"
    )
    call("RoleGrantPermission", rpc.AuthRoleGrantPermissionRequest(name="mine", perm=permission))
    call("RoleAdd", rpc.AuthRoleAddRequest(name="root"))
    for user, role in (("root", "root"), (USER, "mine")):
        call("UserAdd", rpc.AuthUserAddRequest(name=user, password=PASSWORD))
        call("UserGrantRole", rpc.AuthUserGrantRoleRequest(user=user, role=role))
    call("AuthEnable", rpc.AuthEnableRequest())
    client.close()


def events_until(watch: Watch, key: str) -> list[Event]:
    """What a watch brings, up to and with the first event on ``key``."""
    events: list[Event] = []
    for batch in watch:
        events += batch.events
        if any(event.key == key for event in batch.events):
            return events
    raise AssertionError("the watch has ended")


class Writers:
    """Threads that write new keys below ``prefix`` until stopped, and remember what they were told.

    A context manager. ``acked`` maps a key to the revision it was written at.
    """

    def __init__(self, store: Store, prefix: str, *, threads: int = 8) -> None:
        self.acked: dict[str, int] = {}
        self.refused: set[str] = set()
        self.unknown: set[str] = set()
        self._store = store
        self._prefix = prefix
        self._stop = threading.Event()
        self._progress = threading.Condition()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]

    def wait_acked(self, more: int) -> None:
        """Wait until so many more writes are acknowledged."""
        with self._progress:
            goal = len(self.acked) + more
            assert self._progress.wait_for(lambda: len(self.acked) >= goal, timeout=30)

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, thread: int) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            key = f"{self._prefix}{thread}-{number}"
            try:
                revision = self._store.put(key, key.encode())
            except Indeterminate:
                self.unknown.add(key)
            except StoreUnavailable:
                self.refused.add(key)
            else:
                with self._progress:
                    self.acked[key] = revision
                    self._progress.notify_all()
