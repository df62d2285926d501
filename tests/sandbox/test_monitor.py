"""Monitored things."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from esi_flows.sandbox.cloud import Cloud
from esi_flows.sandbox.faults import Fault, FaultKind


def _status(cloud: Cloud, target: Any) -> Any:
    answer = requests.post(f"{cloud.monitor_url}/v1/status", json=target, timeout=10)
    return answer.json().get("status", answer.status_code)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ({"type": "virtual_network", "properties": {"uuid": "1"}}, "UP"),
        ({"type": "vrrp_session", "wanted_status": "master"}, "MASTER"),
        ({"type": "vrrp_session", "wanted_status": "backup"}, "BACKUP"),
        ({"type": "bgp_session"}, "ESTABLISHED"),
        ({"type": "something new"}, "UP"),
    ],
)
def test_a_thing_is_as_its_type_says(cloud: Cloud, target: Any, status: str) -> None:
    assert _status(cloud, target) == status


def test_a_thing_can_be_made_to_fail(cloud: Cloud) -> None:
    cloud.faults.add(Fault(kind=FaultKind.MONITOR, type="bgp_session", stack="peer-1", times=1))
    assert _status(cloud, {"type": "bgp_session", "name": "peer-2"}) == "ESTABLISHED"
    assert _status(cloud, {"type": "bgp_session", "name": "peer-1"}) == "FAIL"
    assert _status(cloud, {"type": "bgp_session", "name": "peer-1"}) == "ESTABLISHED"


@pytest.mark.parametrize("target", [{}, {"type": 5}, {"type": ""}])
def test_a_target_without_a_type_is_refused(cloud: Cloud, target: Any) -> None:
    answer = requests.post(f"{cloud.monitor_url}/v1/status", json=target, timeout=10)
    assert answer.status_code == 400
