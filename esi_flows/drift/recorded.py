"""What is recorded of stacks: read from the store at one revision."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import HeatStack
from esi_flows.planning.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Sent:
    """What was last sent to Heat for a resource: text of the template, and parameters."""

    template: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedStack:
    """A stack that is to be there. ``sent`` is None where only its outputs are recorded."""

    resource: ResourceRef
    stack: HeatStack
    sent: Sent | None


@dataclass(frozen=True, slots=True)
class Records:
    """All that a look for drift rests on.

    ``projects``: where stacks of ours may be. ``bodies`` are those of all intents.
    """

    stacks: tuple[RecordedStack, ...]
    busy: frozenset[ResourceRef]
    projects: frozenset[str]
    bodies: tuple[Mapping[str, Any], ...]


def read(snapshot: Snapshot, catalog: Catalog, only: Collection[ResourceRef] | None) -> Records:
    """What is recorded, of some resources (None: of all). Raises DocumentInvalid."""
    stacks = []
    for resource, stack in _stacks(snapshot, catalog):
        if stack.name and (only is None or resource in only):
            sent = _sent(snapshot, keys.stack_record(catalog.path(resource)))
            stacks.append(RecordedStack(resource, stack, sent))
    projects = {each.stack.tenant_id for each in stacks}
    bodies = []
    for resource, body in _intents(snapshot, catalog):
        bodies.append(body)
        if only is None or resource in only:
            projects.add(str(body.get("tenant_id") or ""))
    busy = frozenset(_busy(snapshot))
    return Records(tuple(stacks), busy, frozenset(projects - {""}), tuple(bodies))


def _stacks(snapshot: Snapshot, catalog: Catalog) -> Iterator[tuple[ResourceRef, HeatStack]]:
    for item in snapshot.range(keys.HEAT_STACKS).items:
        path = keys.parse_resource(item.key, keys.HEAT_STACKS)
        resource = catalog.resource(path) if path is not None else None
        if resource is not None:
            yield resource, HeatStack.decode(item.key, item.value)


def _sent(snapshot: Snapshot, key: str) -> Sent | None:
    found = snapshot.get(key)
    if found is None:
        return None
    document = codec.loads_object(key, found.value)
    return Sent(
        codec.member(key, document, "template", str),
        codec.member(key, document, "parameters", dict),
    )


def _intents(
    snapshot: Snapshot, catalog: Catalog
) -> Iterator[tuple[ResourceRef, Mapping[str, Any]]]:
    for item in snapshot.range(keys.CONFIG).items:
        path = keys.parse_resource(item.key, keys.CONFIG)
        resource = catalog.resource(path) if path is not None else None
        if resource is None:
            continue
        try:
            yield resource, Intent.decode(item.key, item.value).body
        except DocumentInvalid:
            continue  # conductors tell so in quarantine


def _busy(snapshot: Snapshot) -> Iterator[ResourceRef]:
    for item in snapshot.range(keys.GROUPS).items:
        try:
            record = GroupRecord.decode(item.key, item.value)
        except DocumentInvalid:
            continue  # conductors report it
        if not record.state.ended:
            yield record.resource
