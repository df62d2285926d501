"""What the tests of the store ask of etcd beyond the store interface."""

from __future__ import annotations

from typing import Any

from esi_flows.store._client import Access, EndpointClient, rpc
from esi_flows.store.base import Event, Watch
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
