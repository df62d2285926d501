"""Planning takes time in proportion to what is planned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.deployments.types import Deployment, Wanted
from esi_flows.model.jobs import ResourceRef
from esi_flows.planning.document import plan_document
from esi_flows.planning.planner import plan_deployment
from esi_flows.planning.snapshot import Snapshot
from esi_flows.store.base import ReadStore
from tests.planning.conftest import deployment, wanted

PORTS = 8
"""Ports of each network, which also has a subnet."""


@pytest.fixture(scope="module")
def real_catalog() -> Catalog:
    return load_catalog(Path(__file__).parents[2] / "flows")


def generated(count: int) -> Deployment:
    """So many intents: a tenant, and networks with a subnet and some ports each."""
    intents = list(_intents(count // (PORTS + 2) + 1))
    return deployment(intents[:count])


def _intents(networks: int) -> Iterator[Wanted]:
    yield wanted(ResourceRef("tenant", "t1"), status="active")
    for n in range(networks):
        shared = {"tenant_id": "t1", "network_id": f"n{n}"}
        yield wanted(ResourceRef("network", f"n{n}"), tenant_id="t1", name=f"n{n}")
        yield wanted(ResourceRef("subnet", f"s{n}"), **shared, cidr="10.0.0.0/24")
        for p in range(PORTS):
            address = {"ip_address": f"10.0.0.{p + 2}", "subnet_id": f"s{n}"}
            yield wanted(
                ResourceRef("port", f"p{n}-{p}"),
                **shared,
                name=f"p{p}",
                attached=True,
                device_owner="compute:zone1",
                fixed_ips=[address],
            )


def seconds_for(store: ReadStore, catalog: Catalog, count: int) -> float:
    """CPU time of planning so many intents, from reading the store to the document."""
    intents = generated(count)
    start = time.process_time()
    document = plan_document(plan_deployment(store, catalog, intents))
    assert document["totals"]["create"] == count
    return time.process_time() - start


def test_two_thousand_intents_take_seconds_and_four_times_as_many_four_times_as_long(
    real_catalog: Catalog,
) -> None:
    empty = Snapshot([], 1)
    seconds_for(empty, real_catalog, 10)  # mappings and templates are parsed but once
    few = min(seconds_for(empty, real_catalog, 500) for _ in range(2))
    many = seconds_for(empty, real_catalog, 2000)
    assert many < 10
    assert many < few * 8
