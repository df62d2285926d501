"""Fixtures: a cloud with a clock of its own, and the real clients."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from heatclient import client as heat_client
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import v3

from esi_flows.sandbox.cloud import PASSWORD, Cloud

HOT = "heat_template_version: 2016-04-08\n"


@dataclass
class Clock:
    """Time that passes only when told to."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def running(clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(tmp_path_factory.mktemp("cloud"), clock=clock) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    """A running cloud without faults and past requests. Others use it, each in its own project."""
    running.faults.clear()
    running.journal.clear()
    return running


@pytest.fixture
def connect(cloud: Cloud) -> Iterator[Callable[..., Any]]:
    """Makes heatclients of the admin for a cloud (this one) and a project (the admin's own)."""
    opened: list[requests.Session] = []

    def make(
        *, project_id: str = "", to: Cloud = cloud, timeout: float = 10, **options: Any
    ) -> Any:
        scope = {"project_id": project_id} if project_id else {"project_name": "admin"}
        auth = v3.Password(
            auth_url=to.auth_url,
            username="admin",
            password=PASSWORD,
            user_domain_id="default",
            project_domain_id=None if project_id else "default",
            **scope,
        )
        opened.append(requests.Session())
        session = keystone_session.Session(auth=auth, session=opened[-1], timeout=timeout)
        return heat_client.Client(
            "1",
            session=session,
            service_type="orchestration",
            region_name="RegionOne",
            **options,
        )

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def heat(connect: Callable[..., Any]) -> Any:
    """A heatclient in a project of its own; it lists that project only, unless told otherwise."""
    project_id = uuid.uuid4().hex
    client = connect(project_id=project_id)
    every = client.stacks.list

    def own(*, filters: dict[str, Any] | None = None, **options: Any) -> Any:
        return every(filters={"tenant": project_id, **(filters or {})}, **options)

    client.stacks.list = own
    return client


@dataclass
class Stacks:
    """Short words for what most tests do."""

    heat: Any
    clock: Clock

    def create(self, template: str, name: str = "s", **options: Any) -> str:
        """Create a stack, and wait until that is over."""
        made = self.heat.stacks.create(stack_name=name, template=HOT + template, **options)
        self.clock.advance(600)
        return str(made["stack"]["id"])

    def update(self, template: str, name: str = "s", **options: Any) -> None:
        """Update a stack, and wait until that is over."""
        self.heat.stacks.update(name, template=HOT + template, **options)
        self.clock.advance(600)

    def state(self, name: str = "s") -> tuple[str, str]:
        """Status and reason."""
        stack = self.heat.stacks.get(name, resolve_outputs=False)
        return stack.stack_status, stack.stack_status_reason

    def outputs(self, name: str = "s") -> dict[str, Any]:
        """Output values."""
        found = self.heat.stacks.get(name).outputs
        return {each["output_key"]: each["output_value"] for each in found}

    def resources(self, name: str = "s") -> dict[str, str]:
        """Status by resource."""
        return {r.resource_name: r.resource_status for r in self.heat.resources.list(name)}


@pytest.fixture
def stacks(heat: Any, clock: Clock) -> Stacks:
    return Stacks(heat, clock)
