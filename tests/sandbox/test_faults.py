"""Every fault switch, with the exception that the real clients make of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from heatclient import exc
from keystoneauth1 import exceptions

from esi_flows.sandbox.cloud import Cloud
from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.faults import Fault, FaultKind, Faults

ONE = "heat_template_version: 2013-05-23\nresources: {a: {type: OS::Heat::TestResource}}\n"
NET = "OS::Contrail::VirtualNetwork"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, exc.HTTPNotFound),
        (409, exc.HTTPConflict),
        (429, exc.HTTPException),
        (500, exc.HTTPInternalServerError),
        (503, exc.HTTPServiceUnavailable),
    ],
)
def test_a_status_can_be_forced_on_chosen_requests_so_many_times(
    cloud: Cloud, heat: Any, status: int, kind: type[Exception]
) -> None:
    cloud.faults.add(
        Fault(kind=FaultKind.STATUS, method="POST", path="*/stacks", status=status, times=2)
    )
    for _ in range(2):
        with pytest.raises(kind, match=f"made to answer {status}"):
            heat.stacks.create(stack_name="s", template=ONE)
    assert list(heat.stacks.list()) == [], "other requests go through, nothing was made"
    heat.stacks.create(stack_name="s", template=ONE)


def test_retry_after_is_sent(cloud: Cloud) -> None:
    cloud.faults.add(Fault(kind=FaultKind.STATUS, status=429, retry_after=1.5))
    answer = requests.get(f"{cloud.url}/orchestration/v1/p/stacks", timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")


def test_keystone_can_be_struck_too(cloud: Cloud, heat: Any) -> None:
    cloud.faults.add(Fault(kind=FaultKind.STATUS, path="/identity/*", status=503, times=1))
    with pytest.raises(exceptions.ServiceUnavailable):
        heat.stacks.create(stack_name="s", template=ONE)


def test_a_lost_reply_is_of_a_request_that_was_carried_out(cloud: Cloud, heat: Any) -> None:
    list(heat.stacks.list())
    cloud.faults.add(Fault(kind=FaultKind.LOST_REPLY, method="POST", path="*/stacks", times=1))
    with pytest.raises(exceptions.ConnectFailure):
        heat.stacks.create(stack_name="s", template=ONE)
    assert heat.stacks.get("s").stack_name == "s"
    (lost,) = cloud.requests(method="POST", contains="/stacks")
    assert (lost.stack, lost.status) == ("s", 0)


def test_a_reset_connection_is_of_a_request_that_was_not(cloud: Cloud, heat: Any) -> None:
    list(heat.stacks.list())
    cloud.faults.add(Fault(kind=FaultKind.RESET, method="POST", times=1))
    with pytest.raises(exceptions.ConnectFailure):
        heat.stacks.create(stack_name="s", template=ONE)
    assert list(heat.stacks.list()) == []
    cloud.faults.add(Fault(kind=FaultKind.RESET, method="GET", times=1))
    with pytest.raises(exceptions.ConnectFailure, match="Connection reset by peer"):
        list(heat.stacks.list())


def test_a_delayed_request_runs_into_the_clients_time_out(
    cloud: Cloud, connect: Callable[..., Any]
) -> None:
    heat = connect(project_id="delayed", timeout=0.1)
    list(heat.stacks.list())
    cloud.faults.add(Fault(kind=FaultKind.DELAY, path="*/stacks", seconds=0.4, times=1))
    with pytest.raises(exceptions.ConnectTimeout):
        list(heat.stacks.list())
    assert list(heat.stacks.list(filters={"tenant": "delayed"})) == []


def test_the_port_can_be_closed_for_a_while(cloud: Cloud, connect: Callable[..., Any]) -> None:
    heat = connect(project_id="refused", connect_retries=6)
    heat.stacks.create(stack_name="s", template=ONE)
    cloud.refuse(0.5)
    with pytest.raises(requests.ConnectionError, match=r"refused|reset|aborted|Remote end closed"):
        _ask_until_it_fails(cloud)
    assert heat.stacks.get("s").stack_name == "s", "the client tries until it is back"


def _ask_until_it_fails(cloud: Cloud) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        requests.get(f"{cloud.url}/identity/v3", timeout=5)


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_a_resource_can_be_made_to_fail_at_each_action(
    cloud: Cloud, heat: Any, clock: Any, stacks: Any, action: str
) -> None:
    cloud.faults.add(
        Fault(kind=FaultKind.FAIL, stack="port_*", action=action.upper(), reason="boom")
    )
    heat.stacks.create(stack_name="port_1", template=ONE)
    clock.advance(600)
    if action == "update":
        heat.stacks.update("port_1", template=ONE.replace("}}", ", properties: {value: x}}}"))
    if action == "delete":
        heat.stacks.delete("port_1")
    clock.advance(600)
    name = action.upper()
    assert stacks.state("port_1") == (
        f"{name}_FAILED",
        f"Resource {name} failed: Exception: resources.a: boom",
    )
    assert stacks.resources("port_1") == {"a": f"{name}_FAILED"}


def test_a_failed_deletion_can_be_repeated(
    cloud: Cloud, heat: Any, clock: Any, stacks: Any
) -> None:
    cloud.faults.add(Fault(kind=FaultKind.FAIL, action="DELETE", times=1))
    stacks.create("resources: {a: {type: OS::Heat::TestResource}}\n")
    heat.stacks.delete("s")
    clock.advance(600)
    assert stacks.state()[0] == "DELETE_FAILED"
    heat.stacks.delete("s")
    clock.advance(600)
    with pytest.raises(exc.HTTPNotFound):
        heat.stacks.get("s")


def test_a_type_or_one_resource_can_be_chosen(cloud: Cloud, stacks: Any) -> None:
    cloud.faults.add(Fault(kind=FaultKind.FAIL, type=NET, resource="b"))
    network = f"{{type: {NET}, properties: {{name: n}}}}"
    stacks.create(f"resources:\n  a: {network}\n", "first")
    stacks.create(f"resources:\n  a: {network}\n  b: {network}\n", "second")
    assert stacks.state("first")[0] == "CREATE_COMPLETE"
    assert stacks.state("second")[0] == "CREATE_FAILED"


def test_a_stack_can_hang_and_still_be_deleted(
    cloud: Cloud, heat: Any, clock: Any, stacks: Any
) -> None:
    cloud.faults.add(Fault(kind=FaultKind.HANG, action="CREATE", times=1))
    stacks.create("resources: {a: {type: OS::Heat::TestResource}}\n", timeout_mins=1)
    clock.advance(1e6)
    assert stacks.state()[0] == "CREATE_IN_PROGRESS"
    heat.stacks.delete("s")
    clock.advance(600)
    assert list(heat.stacks.list()) == []


def test_a_stack_can_be_slow(cloud: Cloud, heat: Any, clock: Any, stacks: Any) -> None:
    cloud.faults.add(Fault(kind=FaultKind.SLOW, seconds=100))
    heat.stacks.create(stack_name="s", template=ONE)
    clock.advance(100)
    assert stacks.state()[0] == "CREATE_IN_PROGRESS"
    clock.advance(1)
    assert stacks.state()[0] == "CREATE_COMPLETE"


def test_the_old_state_can_still_be_reported_after_a_call(
    cloud: Cloud, heat: Any, clock: Any, stacks: Any
) -> None:
    stacks.create("resources: {a: {type: OS::Heat::TestResource}}\n")
    cloud.faults.add(Fault(kind=FaultKind.STALE, seconds=0.1))
    heat.stacks.update("s", template=ONE)
    assert stacks.state()[0] == "CREATE_COMPLETE"
    assert [s.stack_status for s in heat.stacks.list()] == ["CREATE_COMPLETE"]
    clock.advance(0.15)
    assert stacks.state()[0] == "UPDATE_IN_PROGRESS"
    heat.stacks.delete("s")
    assert stacks.state()[0] == "UPDATE_IN_PROGRESS"
    clock.advance(0.15)
    assert stacks.state()[0] == "DELETE_IN_PROGRESS"


def test_switches_are_set_listed_and_taken_back_over_http(cloud: Cloud) -> None:
    url = f"{cloud.url}/sandbox/faults"
    body = {"kind": "status", "path": "*/v3", "status": 418, "times": 3}
    made = requests.post(url, json=body, timeout=10)
    assert made.status_code == 201
    assert requests.get(cloud.auth_url, timeout=10).status_code == 418
    (listed,) = requests.get(url, timeout=10).json()["faults"]
    assert (listed["id"], listed["kind"], listed["times"]) == (made.json()["id"], "status", 2)
    one = f"{url}/{made.json()['id']}"
    assert requests.delete(one, timeout=10).status_code == 204
    assert requests.delete(one, timeout=10).status_code == 404
    assert requests.get(cloud.auth_url, timeout=10).status_code == 200
    requests.post(url, json=body, timeout=10)
    assert requests.delete(url, timeout=10).status_code == 204
    assert requests.get(url, timeout=10).json() == {"faults": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "unknown"},
        {"kind": "fail", "unknown": 1},
        {"kind": "status", "status": "500"},
        {"kind": "status", "status": 5},
        {"kind": "delay", "seconds": True},
        {"kind": "fail", "times": "2"},
        {"kind": "fail", "times": 0},
        {"kind": "delay", "seconds": -1},
        {"kind": "delay", "seconds": 10**400},
        {"kind": "refuse", "seconds": 10**400},
        {"kind": "refuse"},
        {"kind": "refuse", "seconds": -1},
    ],
)
def test_a_switch_that_is_none_is_refused(cloud: Cloud, body: dict[str, Any]) -> None:
    answer = requests.post(f"{cloud.url}/sandbox/faults", json=body, timeout=10)
    assert answer.status_code == 400
    assert cloud.faults.listed() == []


def test_tokens_can_be_made_to_expire_over_http(cloud: Cloud, heat: Any, clock: Any) -> None:
    list(heat.stacks.list())
    answer = requests.post(
        f"{cloud.url}/sandbox/faults", json={"kind": "expire_tokens"}, timeout=10
    )
    assert answer.status_code == 201
    clock.advance(1)
    list(heat.stacks.list())
    assert 401 in [entry.status for entry in cloud.requests()]


def test_the_fault_set_first_strikes_first() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.STATUS, status=500, times=1))
    faults.add(Fault(kind=FaultKind.STATUS, status=503))
    struck = [faults.of_request("GET", "/") for _ in range(3)]
    assert [fault.status for fault in struck if fault] == [500, 503, 503]


def test_brackets_in_patterns_are_themselves() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.STATUS, path="/a[b]*"))
    assert faults.of_request("GET", "/ab") is None
    assert faults.of_request("GET", "/a[b]/c") is not None


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(CloudError, match="unknown kind 'boom'; known: status, reset, lost_reply"):
        Fault.parse({"kind": "boom"})
