"""The benchmark of compiling measures what it says, and compiling takes time in proportion."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.compile.__main__ import table
from benchmarks.compile.measure import Network, measure_one
from benchmarks.compile.network import TENANTS_PER_SITE, network
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog

FLOWS = Path(__file__).parents[2] / "flows"
DEPLOYMENT = FLOWS / "deployments" / "internet_gateway"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(FLOWS)


def test_the_network_is_the_same_each_time_and_refers_only_backwards(catalog: Catalog) -> None:
    wanted = network(1000, DEPLOYMENT, catalog)
    assert wanted == network(1500, DEPLOYMENT, catalog)[:1000]
    known = set()
    for resource, intent in wanted:
        for name, of_type in catalog.types[resource.type].relations.items():
            if intent.body.get(name):
                assert (of_type, intent.body[name]) in known
        known.add((resource.type, resource.id))
    assert len(known) == 1000


def test_tenants_share_a_site_up_to_its_limit(catalog: Catalog) -> None:
    wanted = network(3000, DEPLOYMENT, catalog)
    gateways = [w.intent.body for w in wanted if w.resource.type == "internet_gateway"]
    sites = [body["downlink_interface_id"] for body in gateways]
    assert len(set(sites[:TENANTS_PER_SITE])) == 1
    assert sites[TENANTS_PER_SITE] != sites[0]


def test_every_tenant_waits_for_its_own_and_the_site_only(catalog: Catalog) -> None:
    wanted = network(2000, DEPLOYMENT, catalog)
    longest = {}
    for size in (200, 2000):
        known = Network(catalog)
        known.compile(wanted[:size])
        longest[size] = max(len(known.queue.waits_for(w.resource, ())) for w in wanted[150:200])
    assert longest[200] == longest[2000]


def test_what_is_added_is_taken_out_again(catalog: Catalog) -> None:
    wanted = network(200, DEPLOYMENT, catalog)
    known = Network(catalog)
    posted = known.compile(wanted[:100])
    more = known.compile(wanted[100:])
    known.forget(wanted[100:], more)
    assert sorted(known.queue) == sorted(posted)
    assert known.jobs == len(posted)


def test_a_measurement_becomes_a_line_of_the_table() -> None:
    measured = measure_one(60, FLOWS, "internet_gateway")
    assert measured.jobs > 60
    assert measured.seconds > 0
    line = table([measured]).splitlines()[-1]
    assert line.startswith(f"| 60 | {measured.jobs} |")
