"""What only the store can tell about a deployment, asked before anything is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.recorded import Recorded, Standing, read
from esi_flows.deployments.relations import references
from esi_flows.deployments.types import Deployment, Wanted
from esi_flows.model.errors import Finding, InvalidInput
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.store.base import KeyValue, ReadStore


def check(store: ReadStore, catalog: Catalog, deployment: Deployment) -> None:
    """Raises InvalidInput: relations that lead nowhere, resources that are being deleted."""
    first_step: dict[ResourceRef, int] = {}
    for index, step in enumerate(deployment.steps):
        for wanted in step.intents:
            first_step.setdefault(wanted.resource, index)
    outside = {
        target
        for index, step in enumerate(deployment.steps)
        for wanted in step.intents
        for _, target in references(catalog.types[wanted.resource.type], wanted.body)
        if first_step.get(target, index + 1) > index
    }
    recorded = read(store, catalog, {*first_step, *outside})
    findings = [
        finding
        for index, step in enumerate(deployment.steps)
        for wanted in step.intents
        for finding in _findings(wanted, index, deployment, catalog, first_step, recorded)
    ]
    if findings:
        raise InvalidInput(
            f"{deployment.name} does not fit what is in the store", findings=findings
        )


def _findings(
    wanted: Wanted,
    index: int,
    deployment: Deployment,
    catalog: Catalog,
    first_step: Mapping[ResourceRef, int],
    recorded: Mapping[ResourceRef, Recorded],
) -> Iterator[Finding]:
    own = recorded[wanted.resource]
    if first_step[wanted.resource] == index and _going(own):
        yield Finding(
            wanted.where,
            f"{wanted.resource} is being deleted (version {own.intent and own.intent.version})",
            f"finish it with: esi-flows delete {wanted.resource} --wait",
        )
    for field, target in references(catalog.types[wanted.resource.type], wanted.body):
        if first_step.get(target, index + 1) <= index:
            continue
        found = recorded[target]
        what = f"{wanted.resource}: {field} refers to {target}"
        if found.standing is Standing.ABSENT:
            hint = _hint(target, first_step, deployment)
            yield Finding(
                wanted.where, f"{what}, which is neither in the deployment nor in the store", hint
            )
        elif _going(found):
            yield Finding(wanted.where, f"{what}, which is being deleted")


def _going(found: Recorded) -> bool:
    """Marked for deletion, and not because an attempt failed: that one may be taken back."""
    marked = found.intent is not None and found.intent.marked_for_deletion
    return marked and found.standing is not Standing.FAILED


def _hint(
    target: ResourceRef, first_step: Mapping[ResourceRef, int], deployment: Deployment
) -> str:
    if target in first_step:
        return f"only the later step {deployment.steps[first_step[target]].name} brings it"
    known = [resource.id for resource in first_step if resource.type == target.type]
    near = difflib.get_close_matches(target.id, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def require_target(target: ResourceRef, found: KeyValue | None) -> None:
    """Raises InvalidInput where something referred to went away since it was checked."""
    if found is None or Intent.decode(found.key, found.value).marked_for_deletion:
        raise InvalidInput(
            f"{target} was removed while it was being referred to",
            hint="apply again to see everything that refers to it",
        )
