"""What the store has of resources: intent, memo, result, and what these together say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import ResourceRef, group_name
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import State
from esi_flows.store.base import KeyValue, ReadStore

MANY = 32
"""From so many resources of one collection on, the whole collection is read at once."""


class Standing(StrEnum):
    """How the current version of a resource stands."""

    ABSENT = "absent"
    """There is no intent."""
    IN_FLIGHT = "in flight"
    """Written, and no result yet."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One resource as the store has it. Revisions are 0 where the document does not exist."""

    resource: ResourceRef
    path: ResourcePath
    intent: Intent | None = None
    intent_created: int = 0
    intent_revision: int = 0
    memo_version: int = 0
    state: State | None = None
    state_revision: int = 0
    quarantined: bool = False
    """The current intent could not be compiled."""
    group: GroupRecord | None = None
    """The group of the current version; read only where there is no result yet, or a bad one."""

    @property
    def standing(self) -> Standing:
        """How the current version stands."""
        if self.intent is None:
            return Standing.ABSENT
        if self.quarantined or _group_failed(self.group):
            return Standing.FAILED
        if self.group is not None and not self.group.state.ended:
            return Standing.IN_FLIGHT
        if self.state is None or self.state.version != self.intent.version:
            return Standing.IN_FLIGHT
        return Standing.FAILED if state_failed(self.state) else Standing.DONE

    @property
    def next_version(self) -> int:
        """The version that the next write of the intent must have."""
        return max(self.intent.version if self.intent else 0, self.memo_version) + 1


def state_failed(state: State) -> bool:
    """Whether a result tells of a failure."""
    return bool(state.error) or state.worker_state.endswith("_FAILED")


def _group_failed(group: GroupRecord | None) -> bool:
    return group is not None and group.state.ended and group.state is not GroupState.SUCCESS


def read(
    store: ReadStore, catalog: Catalog, resources: Iterable[ResourceRef]
) -> dict[ResourceRef, Recorded]:
    """What is recorded of each resource. Raises DocumentInvalid, StoreUnavailable."""
    paths = {resource: catalog.path(resource) for resource in resources}
    roots = (keys.CONFIG, keys.MEMO, keys.STATE, keys.quarantine(keys.CONFIG))
    found: dict[str, KeyValue] = {}
    for root in roots:
        found.update(_read_below(store, root, paths.values()))
    recorded = {r: _recorded(r, path, found) for r, path in paths.items()}
    for resource, record in recorded.items():
        # one that has failed may be tried again just now
        if record.standing in (Standing.IN_FLIGHT, Standing.FAILED):
            recorded[resource] = _with_group(store, record)
    return recorded


def _read_below(
    store: ReadStore, root: str, paths: Iterable[ResourcePath]
) -> Mapping[str, KeyValue]:
    by_collection: dict[str, list[ResourcePath]] = defaultdict(list)
    for path in paths:
        by_collection[path.collection].append(path)
    found: dict[str, KeyValue] = {}
    for collection, members in by_collection.items():
        if len(members) >= MANY:
            items = store.range(f"{root}{collection}/").items
        else:
            items = tuple(i for m in members if (i := store.get(f"{root}{m}")) is not None)
        found.update((item.key, item) for item in items)
    return found


def _recorded(resource: ResourceRef, path: ResourcePath, found: Mapping[str, KeyValue]) -> Recorded:
    intent, memo = found.get(keys.config(path)), found.get(keys.memo(path))
    state = found.get(keys.state(path))
    quarantine = found.get(keys.quarantine(keys.config(path)))
    return Recorded(
        resource=resource,
        path=path,
        intent=Intent.decode(intent.key, intent.value) if intent else None,
        intent_created=intent.create_revision if intent else 0,
        intent_revision=intent.mod_revision if intent else 0,
        memo_version=Memo.decode(memo.key, memo.value).version if memo else 0,
        state=State.decode(state.key, state.value) if state else None,
        state_revision=state.mod_revision if state else 0,
        # an older quarantine was about an intent that has been replaced since
        quarantined=bool(quarantine and intent and quarantine.mod_revision > intent.mod_revision),
    )


def _with_group(store: ReadStore, record: Recorded) -> Recorded:
    if record.intent is None:
        return record
    key = keys.group(group_name(record.resource, record.intent.version))
    found = store.get(key)
    # an older record is of an earlier life of a resource that was removed and made again
    if found is None or found.mod_revision < record.intent_revision:
        return record
    return replace(record, group=GroupRecord.decode(key, found.value))
