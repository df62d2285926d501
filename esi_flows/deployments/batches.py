"""The order in which intents are written, and which of them together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from esi_flows.deployments.decide import Decision
from esi_flows.deployments.order import mentions
from esi_flows.model.jobs import ResourceRef

INTENTS_PER_TXN = 60
"""Each takes a compare, and etcd allows 128 of them; the rest is for what they refer to."""


def batches(writes: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
    """What goes into one transaction each: none of a batch mentions another of it.

    Intents of one transaction have one revision, and the order in which intents were written is
    what decides whose jobs wait for whose.
    """
    mentioned = mentions([decision.wanted for decision in writes])
    depth: dict[ResourceRef, int] = {}
    floor: dict[ResourceRef, int] = {}
    layers: dict[int, list[Decision]] = {}
    for decision in writes:
        resource = decision.wanted.resource
        below = [depth[target] + 1 for target in mentioned[resource] if target in depth]
        depth[resource] = max([floor.get(resource, 0), *below])
        for target in mentioned[resource]:
            floor[target] = max(floor.get(target, 0), depth[resource] + 1)
        layers.setdefault(depth[resource], []).append(decision)
    for _, layer in sorted(layers.items()):
        for start in range(0, len(layer), INTENTS_PER_TXN):
            yield layer[start : start + INTENTS_PER_TXN]
