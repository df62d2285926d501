"""Documents that cannot be used: why, and what becomes of them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from esi_flows.catalog.types import Catalog
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.steering import Order, Want
from esi_flows.steering import orders
from esi_flows.store.base import Delete, KeyValue, Op, Put, ReadStore, Store, unchanged


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Why the document under ``key`` cannot be used; ``revision`` is the one that was looked at."""

    key: str
    reason: str
    hint: str
    revision: int
    entry: KeyValue

    @property
    def group(self) -> str:
        """The name of the group whose record it is; empty for other documents."""
        is_group = self.key.startswith(keys.GROUPS)
        return self.key.removeprefix(keys.GROUPS) if is_group else ""


def entries(store: ReadStore) -> list[Quarantined]:
    """Everything that is in quarantine, in the order of keys. Raises StoreUnavailable."""
    return [read_entry(item) for item in store.range(keys.QUARANTINE).items]


def find(store: ReadStore, key: str) -> Quarantined:
    """The entry about the document under ``key``. Raises InvalidInput where there is none."""
    found = store.get(keys.quarantine(key))
    if found is None:
        raise InvalidInput(
            f"{key} is not in quarantine", hint="esi-flows quarantine list shows what is"
        )
    return read_entry(found)


def key_of(store: ReadStore, catalog: Catalog, resource: ResourceRef) -> str:
    """The key of the resource's document in quarantine: a group of it, or its intent."""
    groups = keys.group(f"{resource}:")
    stuck = store.range(keys.quarantine(groups)).items
    if stuck:
        return keys.quarantined(stuck[-1].key)
    return keys.config(catalog.path(resource))


def requeue(store: Store, quarantined: Quarantined, *, by: str) -> bool:
    """Have the document looked at again; False if the entry has changed or gone meanwhile.

    Where it still cannot be used, it is in quarantine again. A group that was broken off too often
    goes on, as often as before; ``by`` is who wants that. Raises StoreError.
    """
    entry = quarantined.entry
    held = [unchanged(entry.key, entry.mod_revision)]
    ops: list[Op] = [Delete(entry.key)]
    found = store.get(quarantined.key) if quarantined.group else None
    record = _record(found)
    if found is not None and record is not None and not record.state.ended:
        again = record.but(state=GroupState.PENDING, interruptions=0, error="")
        held.append(unchanged(found.key, found.mod_revision))
        ops.append(Put(found.key, again.encode()))
        asked = orders.added(store, record, Order(want=Want.RUN, by=by, at=time.time()))
        held.append(asked.held)
        ops.append(asked.op)
    return store.txn(held, ops).succeeded


def drop(store: Store, quarantined: Quarantined, *, by: str) -> None:
    """Remove the document itself, with the entry. Raises InvalidInput where that must not be.

    A group that was broken off too often ends: a conductor writes that it failed, and that nothing
    of it is undone. ``by`` is who wants that. Raises StoreError.
    """
    if _record(store.get(quarantined.key) if quarantined.group else None) is not None:
        orders.give(store, quarantined.group, Order(want=Want.CANCEL, by=by, at=time.time()))
        return
    path = keys.parse_resource(quarantined.key, keys.CONFIG)
    if path is not None and store.get(keys.memo(path)) is not None:
        raise InvalidInput(
            f"an earlier version of {quarantined.key} is deployed",
            hint="write the document as it should be, or delete the resource",
        )
    document, entry = store.get(quarantined.key), quarantined.entry
    revision = document.mod_revision if document is not None else 0
    if document is not None and revision != quarantined.revision:
        raise InvalidInput(
            f"{quarantined.key} was written again meanwhile",
            hint=f"esi-flows quarantine show {quarantined.key}",
        )
    held = [unchanged(quarantined.key, revision), unchanged(entry.key, entry.mod_revision)]
    if path is not None:
        held.append(unchanged(keys.memo(path), 0))
    if not store.txn(held, [Delete(quarantined.key), Delete(entry.key)]).succeeded:
        raise InvalidInput(f"{quarantined.key} has just changed", hint="look at it again")


def read_entry(item: KeyValue) -> Quarantined:
    """What an entry says; one that cannot be read says so."""
    key = keys.quarantined(item.key)
    try:
        note = codec.loads_object(item.key, item.value)
    except DocumentInvalid as error:
        return Quarantined(key, f"(the entry cannot be read: {error.reason})", "", 0, item)
    revision = note.get("revision")
    return Quarantined(
        key,
        str(note.get("reason", "")),
        str(note.get("hint", "")),
        revision if isinstance(revision, int) else 0,
        item,
    )


def _record(found: KeyValue | None) -> GroupRecord | None:
    try:
        return GroupRecord.decode(found.key, found.value) if found is not None else None
    except DocumentInvalid:
        return None  # that is why it is in quarantine
