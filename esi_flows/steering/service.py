"""Pauses the whole service, and lets it go on."""

from __future__ import annotations

from dataclasses import replace

from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, Indeterminate, StoreError
from esi_flows.model.steering import Pause
from esi_flows.store.base import Delete, Put, ReadStore, Store, unchanged

_KEY = keys.steering(keys.WHOLE_SERVICE)
_TRIES = 20


def paused(store: ReadStore) -> Pause | None:
    """Why nothing is claimed, None where it is. Raises StoreUnavailable."""
    found = store.get(_KEY)
    if found is None:
        return None
    try:
        return Pause.decode(found.key, found.value)
    except DocumentInvalid as error:
        # conductors take it for a pause as well
        return Pause(by="somebody", at=0.0, reason=error.message)


def pause(store: Store, wanted: Pause) -> tuple[Pause, bool]:
    """Pause; what holds now, and whether that is new. Who paused first stays named.

    When this returns, nobody claims anything any more. Raises StoreError.
    """
    for _ in range(_TRIES):
        found, known = store.get(_KEY), paused(store)
        if known == wanted:
            return known, True
        if known is not None and known.suspend >= wanted.suspend:
            return known, False
        after = replace(known, suspend=True) if known is not None and known.at else wanted
        revision = found.mod_revision if found is not None else 0
        try:
            if store.txn([unchanged(_KEY, revision)], [Put(_KEY, after.encode())]).succeeded:
                return after, True
        except Indeterminate:
            continue  # whether it was written is seen by reading it
    raise StoreError("the pause changes faster than it can be written", hint="try again")


def unpause(store: Store) -> Pause | None:
    """Let it go on; the pause that has ended, None where there was none. Raises StoreError."""
    for _ in range(_TRIES):
        found, known = store.get(_KEY), paused(store)
        if found is None:
            return None
        try:
            if store.txn([unchanged(_KEY, found.mod_revision)], [Delete(_KEY)]).succeeded:
                return known
        except Indeterminate:
            continue
    raise StoreError("the pause changes faster than it can be ended", hint="try again")
