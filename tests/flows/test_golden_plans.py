"""Beside each example deployment stands what running it on an empty store does."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.cli.plan_text import PlanText
from esi_flows.cli.screen import Screen
from esi_flows.deployments.types import Deployment
from esi_flows.planning.planner import plan_deployment
from esi_flows.store.base import Store
from tests.flows.test_deployments import EXAMPLES


@pytest.mark.etcd
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_plan_beside_a_deployment_is_what_it_does(
    store: Store,
    flows: Path,
    catalog: Catalog,
    deployments: Mapping[str, Deployment],
    name: str,
) -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    for line in PlanText(
        screen, plan_deployment(store, catalog, deployments[name]), full=False
    ).lines():
        screen.line(line)
    golden = flows / "deployments" / name / "plan.golden.txt"
    assert golden.read_text(encoding="utf-8") == stream.getvalue(), (
        "look at what has become different; if it is meant to be: make golden"
    )
