"""The journal of requests."""

from __future__ import annotations

from typing import Any

import requests

from esi_flows.sandbox.cloud import Cloud

ONE = "heat_template_version: 2013-05-23\nresources: {a: {type: OS::Heat::TestResource}}\n"


def test_every_request_is_noted_with_its_stack_and_answer(cloud: Cloud, heat: Any) -> None:
    heat.stacks.create(stack_name="s", template=ONE)
    heat.stacks.get("s")
    seen = [(e.method, e.stack, e.status) for e in cloud.requests(contains="/stacks")]
    assert seen == [("POST", "s", 201), ("GET", "s", 302), ("GET", "s", 200)]


def test_the_journal_is_filtered_and_cleared_over_http(cloud: Cloud, heat: Any, clock: Any) -> None:
    heat.stacks.create(stack_name="s", template=ONE)
    heat.stacks.create(stack_name="t", template=ONE)
    url = f"{cloud.url}/sandbox/requests"
    query = {"method": "POST", "path": "/stacks", "stack": "t"}
    (found,) = requests.get(url, params=query, timeout=10).json()["requests"]
    assert (found["stack"], found["status"], found["time"]) == ("t", 201, clock.now)
    assert requests.delete(url, timeout=10).status_code == 204
    assert requests.get(url, timeout=10).json() == {"requests": []}, "its own are not noted"
