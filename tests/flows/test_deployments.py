"""The example deployments: whole, harmless, and ending as they say."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.check import check
from esi_flows.deployments.types import Deployment
from esi_flows.model.jobs import Action, OnFailure, ResourceRef
from esi_flows.store.base import Store
from tests.flows.building import Builder, Built

EXAMPLES = ["internet_gateway", "logical_network"]

DOCUMENTATION = [
    ipaddress.ip_network(net)
    for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8")
]


def test_there_are_these_examples(deployments: Mapping[str, Deployment]) -> None:
    assert list(deployments) == EXAMPLES


def test_steps_are_named_after_what_they_do(deployments: Mapping[str, Deployment]) -> None:
    names = {name: [step.name for step in d.steps] for name, d in deployments.items()}
    assert names == {
        "internet_gateway": ["10-create", "20-attach"],
        "logical_network": ["logical_network"],
    }


@pytest.mark.etcd
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_needs_nothing_that_it_does_not_bring(
    name: str, deployments: Mapping[str, Deployment], store: Store, catalog: Catalog
) -> None:
    check(store, catalog, deployments[name])


def test_examples_share_nothing_but_their_tenant(deployments: Mapping[str, Deployment]) -> None:
    first, second = (
        {wanted.resource: wanted.body for wanted in d.intents()} for d in deployments.values()
    )
    shared = first.keys() & second.keys()
    assert {resource.type for resource in shared} == {"tenant"}
    assert all(first[resource] == second[resource] for resource in shared)


def test_addresses_are_private_or_for_documentation(
    deployments: Mapping[str, Deployment],
) -> None:
    found = {address for d in deployments.values() for w in d.intents() for address in _ips(w.body)}
    assert found
    assert not [a for a in found if not any(a in net for net in DOCUMENTATION)]


def test_passwords_are_obviously_none(deployments: Mapping[str, Deployment]) -> None:
    passwords = {
        wanted.body["password"]
        for deployment in deployments.values()
        for wanted in deployment.intents()
        if "password" in wanted.body
    }
    assert passwords == {"not-a-real-password"}


def test_attaching_changes_two_fields_of_each_gateway_port(
    deployments: Mapping[str, Deployment],
) -> None:
    create, attach = deployments["internet_gateway"].steps
    before = {wanted.resource: wanted.body for wanted in create.intents}
    assert len(attach.intents) == 2
    for wanted in attach.intents:
        old = before[wanted.resource]
        changed = {name for name in wanted.body if wanted.body[name] != old.get(name)}
        assert changed == {"attached", "ese_logical_port_id"}
        assert old.keys() <= wanted.body.keys()
        logical = before[ResourceRef("ese_logical_port", wanted.body["ese_logical_port_id"])]
        assert logical["port_ids"] == [wanted.resource.id]


def test_attaching_is_three_jobs_and_starts_to_watch(
    deployments: Mapping[str, Deployment], built: Sequence[Built], builder: Builder
) -> None:
    for wanted in deployments["internet_gateway"].steps[1].intents:
        group = builder.groups[f"port:{wanted.resource.id}:2"]
        assert group.action is Action.MODIFY
        assert [(job.action, job.handler, job.on_failure) for job in group.jobs] == [
            (Action.DELETE, "monitoring_worker", OnFailure.IGNORE),
            (Action.MODIFY, "heat_worker", OnFailure.FAIL),
            (Action.CREATE, "monitoring_worker", OnFailure.FAIL),
        ]
        removed, _, added = (job for job in built if job.job in group.jobs)
        assert removed.monitoring is not None
        assert not removed.monitoring.entries
        assert added.monitoring is not None
        assert [entry.name for entry in added.monitoring.entries] == ["vmi"]


def test_ports_of_the_gateway_wait_for_it_and_for_the_network(
    built: Sequence[Built], deployments: Mapping[str, Deployment]
) -> None:
    reads = {
        resource.type
        for job in built
        if job.name == "create port" and job.values["device_owner"] == "network:gw_interface"
        for resource in job.job.references()
    }
    assert reads == {"network", "subnet", "gw_interface"}


def _ips(value: Any) -> Iterator[ipaddress.IPv4Address]:
    if isinstance(value, str):
        for text in re.findall(r"(?<![\d.])\d+\.\d+\.\d+\.\d+(?![\d.])", value):
            yield ipaddress.IPv4Address(text)
    elif isinstance(value, Mapping):
        for element in value.values():
            yield from _ips(element)
    elif isinstance(value, list):
        for element in value:
            yield from _ips(element)
