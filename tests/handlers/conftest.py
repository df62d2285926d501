"""The Heat handler on the sandbox cloud, through the real clients."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.handlers.base import Outcome, Run, Steps
from esi_flows.handlers.heat.client import Clouds, Heat
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.handlers.heat.poller import StackPoller
from esi_flows.model.jobs import Action, Job, OnFailure, Parameter, ResourceRef
from esi_flows.model.results import HeatStack
from tests.cloud.plugin import World
from tests.clouds import clouds_of

NETWORK = ResourceRef("network", "n1")

HOT = """\
heat_template_version: 2013-05-23
parameters:
  name: {type: string}
  flavour: {type: string, default: plain}
  vlan: {type: string, default: "1", constraints: [{allowed_pattern: "[0-9]+"}]}
  mtu: {type: number, default: 1500}
resources:
  network:
    type: OS::Contrail::VirtualNetwork
    properties:
      name: {get_param: name}
      uuid: {get_param: name}
      forwarding_mode: {get_param: flavour}
  kind:
    type: OS::Heat::Value
    properties: {value: {get_param: flavour}}
outputs:
  id: {value: {get_resource: network}}
  flavour: {value: {get_attr: [kind, value]}}
  vlan: {value: {get_param: vlan}}
  mtu: {value: {get_param: mtu}}
"""


@pytest.fixture
def clouds(cloud: World) -> Clouds:
    return clouds_of(cloud)


@pytest.fixture
def heat(clouds: Clouds, project: str) -> Heat:
    return clouds.project(project)


@pytest.fixture
def handler(clouds: Clouds) -> Iterator[HeatHandler]:
    poller = StackPoller(clouds, min_seconds=0.02, max_seconds=0.1)
    poller.start()
    made = HeatHandler(clouds, poller, grace_seconds=5)
    yield made
    made.close()


@dataclass
class Records:
    """What is recorded of the one resource of these tests."""

    stack: HeatStack | None = None
    request: dict[str, Any] | None = None

    def heat_stack(self, resource: ResourceRef) -> HeatStack | None:
        return self.stack

    def stack_record(self, resource: ResourceRef) -> dict[str, Any] | None:
        return self.request


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def run(records: Records) -> Run:
    catalog = Catalog(
        [
            ResourceType(
                type="network",
                prefix="/v2.0",
                plural="networks",
                template_mappings={"heat_worker": "Cnetwork"},
            )
        ],
        [Template(id="network", handler="heat_worker", parameter_mappings={}, template_file=HOT)],
    )
    return Run(catalog, records)


class MakeJob(Protocol):
    """Makes jobs on the network of these tests, in the project of the test."""

    def __call__(self, action: Action = Action.CREATE, **values: Any) -> Job:
        """One with these Heat parameters (``name`` is given)."""


@pytest.fixture
def job(project: str) -> MakeJob:
    return functools.partial(_network_job, project)


def _network_job(project: str, action: Action = Action.CREATE, **values: Any) -> Job:
    params = {"name": "n1", **values}
    return Job(
        id=f"{action}:heat_worker:network:n1:1:abcde",
        job_name="network:n1:1",
        action=action,
        handler="heat_worker",
        resource_type="network",
        resource_id="n1",
        version=1,
        resource_input={"id": "n1", "tenant_id": project},
        params=tuple(Parameter(k, "value", v) for k, v in params.items()),
        is_first=True,
        is_last=True,
        on_failure=OnFailure.FAIL,
        dependency=(),
    )


def drive(steps: Steps) -> Outcome:
    """Run a handler to its end, waiting here."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            awaited = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        answer, error = None, awaited.exception(60)
        if error is None:
            answer = awaited.result()
