"""What running resources once more would do, with what is accepted of them put one version back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from esi_flows.catalog.types import Catalog
from esi_flows.model.jobs import ResourceRef
from esi_flows.planning.planner import plan_resource
from esi_flows.planning.snapshot import PREFIXES, Snapshot
from esi_flows.planning.types import Change, Plan
from esi_flows.store.base import KeyValue


def plan_again(
    snapshot: Snapshot,
    catalog: Catalog,
    resources: Sequence[ResourceRef],
    memos: Mapping[str, KeyValue],
) -> list[Plan]:
    """A plan for each resource, as if ``memos`` (by key) were what was accepted last.

    Raises InvalidInput where a resource is not in the store.
    """
    items = {item.key: item for prefix in PREFIXES for item in snapshot.range(prefix).items}
    imagined = Snapshot({**items, **memos}.values(), snapshot.revision)
    return [_again(plan_resource(imagined, catalog, resource)) for resource in resources]


def _again(plan: Plan) -> Plan:
    steps = [replace(step, changes=tuple(map(_same, step.changes))) for step in plan.steps]
    return replace(plan, steps=tuple(steps), pending=())


def _same(change: Change) -> Change:
    """In its own version: there is none before."""
    return replace(change, previous=change.version, note="again, as it was accepted")
