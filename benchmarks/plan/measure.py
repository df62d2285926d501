"""Plans networks of several sizes, and tells what that took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.compile.measure import peak_memory, timed
from benchmarks.compile.network import network
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.deployments.types import Deployment, Step, Wanted
from esi_flows.planning.planner import plan_deployment
from esi_flows.planning.snapshot import Snapshot
from esi_flows.planning.types import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What planning a network took. Times are seconds of the processor, memory is MiB."""

    intents: int
    jobs: int
    seconds: float
    intents_per_second: float
    peak_memory: float
    """Of the whole process, its code and the intents included."""


def measure_one(size: int, flows: Path, deployment: str) -> Measured:
    """Plan a network of ``size`` intents on an empty store. Raises InvalidInput."""
    catalog = load_catalog(flows)
    empty = Snapshot([], 1)
    # mappings and templates are parsed when they are first needed
    plan_deployment(empty, catalog, wanted(100, flows, deployment, catalog))
    intents = wanted(size, flows, deployment, catalog)
    plans: list[Plan] = []
    seconds = timed(lambda: plans.append(plan_deployment(empty, catalog, intents)))
    return Measured(
        intents=size,
        jobs=sum(len(change.jobs) for change in plans[0].changes()),
        seconds=round(seconds, 3),
        intents_per_second=round(size / seconds, 1),
        peak_memory=round(peak_memory(), 1),
    )


def wanted(size: int, flows: Path, deployment: str, catalog: Catalog) -> Deployment:
    """A network of ``size`` intents as a deployment of one step."""
    intents = network(size, flows / "deployments" / deployment, catalog)
    step = Step("all", tuple(Wanted(w.resource, w.intent.body, "generated") for w in intents))
    return Deployment("network", (step,))
