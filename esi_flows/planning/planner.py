"""Plans a deployment, or what is to become of one resource that is in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from esi_flows.catalog.digest import catalog_digest
from esi_flows.catalog.types import Catalog
from esi_flows.deployments import check, delete
from esi_flows.deployments.batches import batches
from esi_flows.deployments.chains import Chains
from esi_flows.deployments.decide import Change as What
from esi_flows.deployments.decide import Decision
from esi_flows.deployments.recorded import Recorded, Standing, read
from esi_flows.deployments.relations import references
from esi_flows.deployments.types import Deployment, Step
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import State
from esi_flows.planning.changes import Explainer
from esi_flows.planning.consequences import longest, reached
from esi_flows.planning.differences import Stacks
from esi_flows.planning.history import History
from esi_flows.planning.outlook import Compiled, Outlook
from esi_flows.planning.snapshot import Snapshot
from esi_flows.planning.types import Change, Kind, Plan, PlannedStep
from esi_flows.store.base import ReadStore

AS_WANTED = "as wanted"
UNDER_WAY = "is in the store already, and has no result yet"


def plan_deployment(store: ReadStore, catalog: Catalog, deployment: Deployment) -> Plan:
    """What running the deployment would do now.

    Steps are planned one after the other as if all before had ended well. Raises InvalidInput with
    all findings where applying it would be refused, StoreError.
    """
    planner = _Planner(Snapshot.take(store), catalog, deployment.name)
    return planner.deployment(deployment)


def plan_resource(
    store: ReadStore, catalog: Catalog, resource: ResourceRef, *, delete: bool = False
) -> Plan:
    """What becomes of a resource in the store: of its newest intent, or when it is deleted.

    Raises InvalidInput where it is not in the store or, to be deleted, referred to by others;
    StoreError.
    """
    planner = _Planner(Snapshot.take(store), catalog, str(resource))
    return planner.deletion(resource) if delete else planner.resource(resource)


class _Planner:
    def __init__(self, snapshot: Snapshot, catalog: Catalog, name: str) -> None:
        self._snapshot = snapshot
        self._catalog = catalog
        self._name = name
        self._outlook = Outlook(snapshot, catalog)
        self._stacks = Stacks(snapshot, self._outlook, catalog)
        history = History(snapshot)
        self._explainer = Explainer(self._outlook, self._stacks, history, catalog)
        self._recorded: dict[ResourceRef, Recorded] = {}

    def deployment(self, deployment: Deployment) -> Plan:
        check.check(self._snapshot, self._catalog, deployment)
        self._read({wanted.resource for wanted in deployment.intents()})
        self._rest_on_references(deployment)
        chains = Chains(self._catalog, deployment)
        steps: list[PlannedStep] = []
        for index, step in enumerate(deployment.steps):
            bad = [c for s in steps for c in s.changes if c.kind is Kind.REFUSED]
            if bad:
                steps.append(PlannedStep(step.name, blocked=f"{bad[0].resource} is refused"))
            else:
                steps.append(self._step(index, step, chains))
        return self._plan(steps, deployment)

    def resource(self, resource: ResourceRef) -> Plan:
        """Of what is stored and has not ended."""
        recorded = self._read([resource])[resource]
        if recorded.intent is None:
            raise InvalidInput(f"{resource} is not in the store", hint="esi-flows status lists all")
        found = self._outlook.under_way(resource)
        if found is not None:
            change = self._explainer.change(found, writes=False, note=UNDER_WAY)
        else:
            change = _nothing(recorded, _standing_note(recorded))
        return self._plan([self._ended(self._name, [change])])

    def deletion(self, resource: ResourceRef) -> Plan:
        """Of marking it for deletion."""
        recorded = self._read([resource])[resource]
        marked = delete.marked_intent(self._snapshot, self._catalog, recorded)
        if marked == recorded.intent:
            return self.resource(resource)
        changes = [
            self._explainer.change(compiled, writes=compiled.resource == resource)
            for compiled in self._outlook.write(resource, marked)
        ]
        return self._plan([self._ended(self._name, changes)])

    def _plan(self, steps: Sequence[PlannedStep], deployment: Deployment | None = None) -> Plan:
        planned = {change.resource for step in steps for change in step.changes}
        return Plan(
            name=self._name,
            steps=tuple(steps),
            catalog=catalog_digest(self._catalog),
            revision=self._snapshot.revision,
            deployment=deployment,
            pending=tuple(r for r in self._outlook.pending if r not in planned),
            rests_on={key: self._snapshot.modified(key) for key in sorted(self._outlook.rests_on)},
        )

    def _read(self, resources: Iterable[ResourceRef]) -> Mapping[ResourceRef, Recorded]:
        self._recorded.update(read(self._snapshot, self._catalog, sorted(resources)))
        for recorded in self._recorded.values():
            for key in (keys.config, keys.memo, keys.state):
                self._outlook.rests_on.add(key(recorded.path))
            self._outlook.rests_on.add(keys.quarantine(keys.config(recorded.path)))
        return self._recorded

    def _rest_on_references(self, deployment: Deployment) -> None:
        """What bodies refer to must be there, also where no mapping reads it."""
        for wanted in deployment.intents():
            known = self._catalog.types[wanted.resource.type]
            for _, target in references(known, wanted.body):
                self._outlook.intent(target)

    def _step(self, index: int, step: Step, chains: Chains) -> PlannedStep:
        decisions = [
            chains.decide(index, self._recorded[wanted.resource], self._exists)
            for wanted in step.intents
        ]
        changes: dict[ResourceRef, Change] = {}
        woken: list[Change] = []
        # as they are written and then read, which may not be the order in which they are shown
        for batch in batches([d for d in decisions if d.change.writes]):
            for decision in sorted(batch, key=self._path):
                chains.hold(decision)
                own, *others = self._outlook.write(decision.wanted.resource, decision.intent)
                changes[own.resource] = self._written(decision, own)
                for other in others:
                    self._woken(other, decision, changes, woken)
        for decision in decisions:
            resource = decision.wanted.resource
            if resource not in changes:
                changes[resource] = self._unwritten(decision)
        shown = [changes[wanted.resource] for wanted in step.intents]
        planned = self._ended(step.name, [*shown, *woken])
        for change in planned.changes:
            self._end_well(change)
        return planned

    def _exists(self, resource: ResourceRef) -> bool:
        return self._outlook.intent(resource) is not None

    def _path(self, decision: Decision) -> keys.ResourcePath:
        return self._catalog.path(decision.wanted.resource)

    def _written(self, decision: Decision, compiled: Compiled) -> Change:
        note = "again: its last version failed" if decision.change is What.RETRY else ""
        return self._explainer.change(compiled, writes=True, where=decision.wanted.where, note=note)

    def _woken(
        self,
        other: Compiled,
        by: Decision,
        changes: dict[ResourceRef, Change],
        woken: list[Change],
    ) -> None:
        """A change that could not be compiled until now, of this step or of anything else."""
        refused = changes.get(other.resource)
        if refused is not None:
            changes[other.resource] = self._explainer.change(
                other, writes=refused.writes, where=refused.where
            )
        else:
            note = f"in the store already, waits for {by.wanted.resource} to be written"
            woken.append(self._explainer.change(other, writes=False, note=note))

    def _unwritten(self, decision: Decision) -> Change:
        recorded = self._recorded[decision.wanted.resource]
        where = decision.wanted.where
        if decision.change is What.IN_FLIGHT:
            found = self._outlook.under_way(recorded.resource)
            if found is not None:
                return self._explainer.change(found, writes=False, where=where, note=UNDER_WAY)
        note = AS_WANTED
        if decision.change is What.LATER:
            note = "changed in a later step, which brings what it refers to"
        elif decision.change is What.IN_FLIGHT:
            note = UNDER_WAY
        return replace(_nothing(recorded, note), where=where)

    def _ended(self, name: str, changes: Sequence[Change]) -> PlannedStep:
        """The step with everything that follows from its changes together."""
        waiters = self._outlook.waiters()
        told = [
            replace(change, cancels=reached(change.group, waiters)) if change.jobs else change
            for change in changes
        ]
        return PlannedStep(name, tuple(told), seconds=longest(told))

    def _end_well(self, change: Change) -> None:
        """From the next step on the change has been made."""
        if change.kind is Kind.REFUSED:
            return
        self._outlook.end_well(change.group)
        recorded = self._recorded.get(change.resource)
        intent = self._outlook.intent(change.resource)
        if recorded is not None and intent is not None:
            self._recorded[change.resource] = _done(recorded, intent)


def _done(recorded: Recorded, intent: Intent) -> Recorded:
    return replace(
        recorded,
        intent=intent,
        memo_version=intent.version,
        state=State(version=intent.version, worker_state=""),
        quarantined=False,
        group=None,
    )


def _nothing(recorded: Recorded, note: str) -> Change:
    version = recorded.intent.version if recorded.intent is not None else 0
    return Change(
        resource=recorded.resource,
        kind=Kind.NOTHING,
        version=version,
        previous=version,
        note=note,
    )


def _standing_note(recorded: Recorded) -> str:
    if recorded.standing is Standing.DONE and _is_marked(recorded):
        return f"has been deleted; esi-flows delete {recorded.resource} removes its intent"
    if recorded.standing is Standing.FAILED:
        return "its last version failed; run its deployment again to try again"
    return AS_WANTED if recorded.standing is Standing.DONE else UNDER_WAY


def _is_marked(recorded: Recorded) -> bool:
    return recorded.intent is not None and recorded.intent.marked_for_deletion
