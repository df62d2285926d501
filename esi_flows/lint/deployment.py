"""What is wrong with deployments as far as files can tell."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from esi_flows.catalog.loader import ReadCatalog
from esi_flows.catalog.schema_check import slips
from esi_flows.deployments.loader import ReadDeployment, read_deployment
from esi_flows.deployments.relations import references
from esi_flows.deployments.types import Wanted
from esi_flows.model.errors import Finding, Severity
from esi_flows.model.jobs import ResourceRef


def lint_deployments(
    folders: Sequence[Path], read: ReadCatalog, *, partial: bool = False
) -> list[Finding]:
    """Everything wrong with some deployments of one catalog. They may refer to each other.

    ``partial``: what is in none of them may be in etcd already, so it is only a warning.
    """
    deployments = [
        read_deployment(folder, read.catalog, unread_types=read.unread_types) for folder in folders
    ]
    everywhere = frozenset().union(*(deployment.named for deployment in deployments))
    findings: list[Finding] = []
    for deployment in deployments:
        findings += deployment.findings
        findings += _nowhere(deployment, read, everywhere, partial=partial)
        findings += _slips(deployment, read)
    return findings


def _nowhere(
    deployment: ReadDeployment,
    read: ReadCatalog,
    everywhere: Collection[ResourceRef],
    *,
    partial: bool,
) -> Iterator[Finding]:
    """Relations to what is not there, or not yet."""
    first_step: dict[ResourceRef, int] = {}
    for index, step in enumerate(deployment.deployment.steps):
        for wanted in step.intents:
            first_step.setdefault(wanted.resource, index)
    for index, step in enumerate(deployment.deployment.steps):
        for wanted in step.intents:
            known = read.catalog.types[wanted.resource.type]
            for field, target in references(known, wanted.body):
                if first_step.get(target, -1) > index:
                    name = deployment.deployment.steps[first_step[target]].name
                    what = f"{field} refers to {target}, which only the later step {name} brings"
                    yield _finding(wanted, field, what, "move one of them to the other's step")
                elif target not in everywhere and target.type in read.catalog.types:
                    yield _missing(wanted, field, target, everywhere, partial=partial)


def _missing(
    wanted: Wanted,
    field: str,
    target: ResourceRef,
    everywhere: Collection[ResourceRef],
    *,
    partial: bool,
) -> Finding:
    known = sorted(resource.id for resource in everywhere if resource.type == target.type)
    near = difflib.get_close_matches(target.id, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else "if it is in etcd already, lint with --partial"
    what = f"{field} refers to {target}, which no deployment here has"
    found = _finding(wanted, field, what, hint)
    severity = Severity.WARNING if partial and not near else Severity.ERROR
    return replace(found, severity=severity, value=target.id, allowed=", ".join(known))


def _finding(wanted: Wanted, field: str, what: str, hint: str) -> Finding:
    return wanted.finding(("body", field), f"{wanted.resource}: {what}", hint)


def _slips(deployment: ReadDeployment, read: ReadCatalog) -> Iterator[Finding]:
    for wanted in deployment.deployment.intents():
        known = read.catalog.types[wanted.resource.type]
        for problem in slips(known.schema, wanted.body):
            named = "".join(f"{part}." for part in problem.place)[:-1]
            if wanted.document is not None:
                before = f"{wanted.resource}: {named}: "
                yield problem.finding(wanted.document, before, inside=("body",))
