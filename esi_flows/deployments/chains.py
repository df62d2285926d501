"""What the steps of a deployment say about each resource, one after the other: its chain. Pure."""

from __future__ import annotations

from collections.abc import Callable

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.decide import Decision, decide
from esi_flows.deployments.recorded import Recorded
from esi_flows.deployments.relations import references
from esi_flows.deployments.types import Deployment, Wanted
from esi_flows.model.jobs import ResourceRef

Exists = Callable[[ResourceRef], bool]
"""Whether there is an intent of a resource."""


class Chains:
    """Decides what each step does to its resources, and remembers which places were reached."""

    def __init__(self, catalog: Catalog, deployment: Deployment) -> None:
        self._catalog = catalog
        self._chains: dict[ResourceRef, list[tuple[int, Wanted]]] = {}
        for index, step in enumerate(deployment.steps):
            for wanted in step.intents:
                self._chains.setdefault(wanted.resource, []).append((index, wanted))
        # where a body occurs twice in a chain, only the version that was written tells the places
        # apart: resource -> (version, place)
        self._held: dict[ResourceRef, tuple[int, int]] = {}

    def __contains__(self, resource: object) -> bool:
        return resource in self._chains

    def decide(self, index: int, recorded: Recorded, exists: Exists) -> Decision:
        """What step ``index`` does to a resource of which that is recorded."""
        steps, chain = zip(*self._chains[recorded.resource], strict=True)
        version, place = self._held.get(recorded.resource, (0, -1))
        current = recorded.intent is not None and recorded.intent.version == version
        return decide(
            recorded,
            chain,
            steps.index(index),
            last_is_ready=steps[-1] <= index or self._is_ready(chain[-1], index, exists),
            held=place if current else -1,
        )

    def hold(self, decision: Decision) -> None:
        """The decision's intent has been written."""
        chain = self._chains[decision.wanted.resource]
        place = next(n for n, (_, wanted) in enumerate(chain) if wanted is decision.wanted)
        self._held[decision.wanted.resource] = (decision.version, place)

    def _is_ready(self, wanted: Wanted, index: int, exists: Exists) -> bool:
        """Whether all that a body of a later step refers to is there at step ``index``."""
        known = self._catalog.types[wanted.resource.type]
        return all(
            any(step <= index for step, _ in self._chains.get(target, ())) or exists(target)
            for _, target in references(known, wanted.body)
        )
