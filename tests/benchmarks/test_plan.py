"""The benchmark of planning measures what it says, and planning takes time in proportion."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.plan.__main__ import table
from benchmarks.plan.measure import measure_one, wanted
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.planning.document import plan_document
from esi_flows.planning.planner import plan_deployment
from esi_flows.planning.snapshot import Snapshot

FLOWS = Path(__file__).parents[2] / "flows"
DEPLOYMENT = "internet_gateway"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(FLOWS)


def seconds_for(catalog: Catalog, count: int) -> float:
    """CPU time of planning so many intents, up to the document of the plan."""
    deployment = wanted(count, FLOWS, DEPLOYMENT, catalog)
    start = time.process_time()
    document = plan_document(plan_deployment(Snapshot([], 1), catalog, deployment))
    taken = time.process_time() - start
    assert document["totals"]["create"] == count
    return taken


def test_two_thousand_intents_take_seconds_and_four_times_as_many_four_times_as_long(
    catalog: Catalog,
) -> None:
    seconds_for(catalog, 10)  # mappings and templates are parsed but once
    few = min(seconds_for(catalog, 500) for _ in range(2))
    many = seconds_for(catalog, 2000)
    assert many < 10
    assert many < few * 8  # the square would be 16


def test_what_is_measured_is_told_in_a_table() -> None:
    measured = measure_one(30, FLOWS, DEPLOYMENT)
    assert measured.intents == 30
    assert measured.jobs > 30
    assert measured.intents_per_second == pytest.approx(30 / measured.seconds, rel=0.1)
    assert table([measured]).splitlines()[2].startswith(f"| 30 | {measured.jobs} | ")
