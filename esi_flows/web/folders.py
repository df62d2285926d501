"""Deployments as folders of intents, and how far the resources in them are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.loader import load_deployment
from esi_flows.deployments.progress import Phase
from esi_flows.model import keys
from esi_flows.model.errors import EsiFlowsError
from esi_flows.model.jobs import ResourceRef
from esi_flows.web.groups import Row, counted
from esi_flows.web.live import Live

ELSEWHERE = "not in a folder"
"""Where resources are listed that no folder has."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One deployment: its steps with the resources of each. ``problem``: why it cannot be read."""

    name: str
    steps: Mapping[str, Sequence[ResourceRef]]
    problem: str = ""

    def resources(self) -> Iterator[ResourceRef]:
        """Each resource once."""
        return iter(dict.fromkeys(r for step in self.steps.values() for r in step))


@dataclass(frozen=True, slots=True)
class Member:
    """A resource of a deployment, and its newest group, None where it has none."""

    resource: ResourceRef
    phase: Phase
    row: Row | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a deployment is."""

    folder: Folder
    steps: Mapping[str, Sequence[Member]]
    counts: Mapping[Phase, int]

    @property
    def total(self) -> int:
        """How many resources it has."""
        return sum(self.counts.values())


def read_folders(path: Path, catalog: Catalog) -> list[Folder]:
    """Every deployment below a folder; what cannot be read says why."""
    found = []
    for folder in sorted(path.iterdir()) if path.is_dir() else ():
        if not folder.is_dir():
            continue
        try:
            deployment = load_deployment(folder, catalog)
        except EsiFlowsError as error:
            found.append(Folder(folder.name, {}, error.message))
            continue
        steps = {
            step.name or "all": [wanted.resource for wanted in step.intents]
            for step in deployment.steps
        }
        found.append(Folder(folder.name, steps))
    return found


def standing(folder: Folder, live: Live) -> Standing:
    """How far a deployment is now."""
    steps = {n: [_member(r, live) for r in listed] for n, listed in folder.steps.items()}
    phases = {member.resource: member.phase for listed in steps.values() for member in listed}
    return Standing(folder, steps, counted(phases.values()))


def _member(resource: ResourceRef, live: Live) -> Member:
    row = live.newest(resource)
    if row is not None:
        return Member(resource, row.phase, row)
    path = live.catalog.path(resource)
    if live.get(keys.quarantine(keys.config(path))) is not None:
        return Member(resource, Phase.FAILED, None)
    if live.get(keys.state(path)) is not None:
        return Member(resource, Phase.DONE, None)
    waits = live.get(keys.config(path)) is not None
    return Member(resource, Phase.WAITING if waits else Phase.NOT_RUN, None)
