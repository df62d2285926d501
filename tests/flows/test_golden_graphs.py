"""Beside each example deployment stands its graph, and the documentation shows its picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.types import Deployment
from esi_flows.planning.planner import plan_deployment
from esi_flows.planning.snapshot import Snapshot
from esi_flows.views.planned import planned
from esi_flows.views.svg import svg
from esi_flows.views.texts import mermaid
from tests.flows.test_deployments import EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_graph_beside_a_deployment_is_what_it_does(
    flows: Path, catalog: Catalog, deployments: Mapping[str, Deployment], name: str
) -> None:
    graph = planned(plan_deployment(Snapshot([], 1), catalog, deployments[name]))
    golden = flows / "deployments" / name / "graph.golden.mmd"
    picture = flows.parent / "docs" / "images" / f"graph-{name}.svg"
    for file, drawn in ((golden, mermaid(graph)), (picture, svg(graph))):
        assert file.read_text(encoding="utf-8") == drawn, (
            "look at what has become different; if it is meant to be: make golden"
        )
