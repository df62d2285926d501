"""Writes the intents of a deployment, step by step, each conditional on what was read.

Two of us at once, a lost reply or a kill between two transactions leave nothing half said: an
intent is written only over the revision it was compared with, and applying again finds what is
there and goes on from it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from esi_flows.catalog.types import Catalog
from esi_flows.deployments import check
from esi_flows.deployments.batches import batches
from esi_flows.deployments.chains import Chains
from esi_flows.deployments.decide import Decision
from esi_flows.deployments.recorded import Recorded, read
from esi_flows.deployments.relations import references
from esi_flows.deployments.types import Deployment, Step
from esi_flows.model import keys
from esi_flows.model.errors import Indeterminate, StoreError
from esi_flows.model.jobs import ResourceRef
from esi_flows.store.base import Compare, Put, Store, created_at, unchanged

LOG = logging.getLogger(__name__)

ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying one step did, in the order of the step."""

    step: Step
    decisions: tuple[Decision, ...]

    @property
    def written(self) -> tuple[Decision, ...]:
        """Those that wrote an intent."""
        return tuple(d for d in self.decisions if d.change.writes)

    @property
    def open(self) -> tuple[Decision, ...]:
        """Those whose result is to be waited for."""
        return tuple(d for d in self.decisions if d.change.open)


class Applier:
    """Applies the steps of one deployment."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        deployment: Deployment,
        *,
        before_writing: Callable[[], None] = lambda: None,
    ) -> None:
        """``before_writing`` may raise to refuse; what is written rests on what was read before."""
        self._before_writing = before_writing
        self._store = store
        self._catalog = catalog
        self._deployment = deployment
        self._chains = Chains(catalog, deployment)

    def check(self) -> None:
        """Compare the deployment with the store before the first write.

        Raises InvalidInput with every relation that leads nowhere and every resource that is
        being deleted.
        """
        check.check(self._store, self._catalog, self._deployment)

    def apply_ready(self) -> Iterator[Applied]:
        """Apply step after step, up to the first whose results are not there yet."""
        for index in range(len(self._deployment.steps)):
            applied = self.apply_step(index)
            yield applied
            if applied.open:
                return

    def apply_step(self, index: int) -> Applied:
        """Write what the step needs written. Raises StoreError; may be called again."""
        step = self._deployment.steps[index]
        decided: dict[ResourceRef, Decision] = {}
        for _ in range(ATTEMPTS):
            left = [w.resource for w in step.intents if w.resource not in decided]
            recorded = read(self._store, self._catalog, left)
            decisions = [
                self._chains.decide(index, record, self._exists) for record in recorded.values()
            ]
            decided.update((d.wanted.resource, d) for d in decisions if not d.change.writes)
            writes = [d for d in decisions if d.change.writes]
            if writes:
                self._before_writing()
            if self._write_all(writes, recorded, index, decided):
                return Applied(step, tuple(decided[w.resource] for w in step.intents))
        raise StoreError(
            f"step {step.name}: the intents change faster than they can be compared",
            hint="is something else writing the same resources? apply again when it has ended",
        )

    def _exists(self, resource: ResourceRef) -> bool:
        return self._store.get(keys.config(self._catalog.path(resource))) is not None

    def _write_all(
        self,
        writes: Sequence[Decision],
        recorded: Mapping[ResourceRef, Recorded],
        index: int,
        decided: dict[ResourceRef, Decision],
    ) -> bool:
        """Write in order, some at a time; False as soon as some were not (surely) written."""
        for some in batches(writes):
            compares = [self._compare(recorded[d.wanted.resource]) for d in some]
            compares += self._fences(some)[: 120 - len(compares)]
            ops = [Put(keys.config(self._path(d)), d.intent.encode()) for d in some]
            try:
                if not self._store.txn(compares, ops).succeeded:
                    return False
            except Indeterminate:
                LOG.info("whether intents were written is unknown, reading back")
                return False
            for decision in some:
                decided[decision.wanted.resource] = decision
                self._hold(decision, index)
        return True

    def _hold(self, decision: Decision, index: int) -> None:
        self._chains.hold(decision)
        LOG.info(
            "intent written",
            extra={
                "resource": str(decision.wanted.resource),
                "version": decision.version,
                "step": self._deployment.steps[index].name,
            },
        )

    def _path(self, decision: Decision) -> keys.ResourcePath:
        return self._catalog.path(decision.wanted.resource)

    def _compare(self, record: Recorded) -> Compare:
        return unchanged(keys.config(record.path), record.intent_revision)

    def _fences(self, decisions: Sequence[Decision]) -> list[Compare]:
        """That what the bodies refer to outside the deployment is still the same resource."""
        targets = {
            target
            for d in decisions
            for _, target in references(self._catalog.types[d.wanted.resource.type], d.wanted.body)
            if target not in self._chains
        }
        fences = []
        for target in sorted(targets):
            key = keys.config(self._catalog.path(target))
            found = self._store.get(key)
            check.require_target(target, found)
            if found is not None:
                fences.append(created_at(key, found.create_revision))
        return fences
