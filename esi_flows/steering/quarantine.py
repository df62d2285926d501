"""Documents that cannot be used: why, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput
from esi_flows.store.base import Delete, KeyValue, ReadStore, Store, unchanged


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Why the document under ``key`` cannot be used; ``revision`` is the one that was looked at."""

    key: str
    reason: str
    hint: str
    revision: int
    entry: KeyValue


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


def requeue(store: Store, quarantined: Quarantined) -> bool:
    """Have the document looked at again; False if the entry has changed or gone meanwhile.

    Where it still cannot be used, it is in quarantine again.
    """
    entry = quarantined.entry
    held = [unchanged(entry.key, entry.mod_revision)]
    return store.txn(held, [Delete(entry.key)]).succeeded


def drop(store: Store, quarantined: Quarantined) -> None:
    """Remove the document itself, with the entry. Raises InvalidInput where that must not be."""
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
