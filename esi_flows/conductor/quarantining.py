"""Puts groups into quarantine that no conductor can run, with the reason."""

from __future__ import annotations

import logging

from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.store.base import Delete, KeyValue, Op, Put, Store, absent, unchanged
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import observe

LOG = logging.getLogger(__name__)


class Quarantining:
    """One conductor's part in it; whoever is first writes the reason. Not thread-safe."""

    def __init__(self, store: Store, cache: Reflector, *, interruptions: int) -> None:
        """``cache`` must follow groups and quarantine; ``interruptions``: how many a group may have
        (0: any number).
        """
        self._store = store
        self._cache = cache
        self._most = interruptions

    def __contains__(self, group: object) -> bool:
        return self._cache.get(keys.quarantine(keys.group(str(group)))) is not None

    def look(self, found: KeyValue, error: InvalidInput | None) -> None:
        """The record of a group cannot be read because of ``error``, or it can. Raises StoreError.

        What is written over a record that could not be read brings it out of quarantine.
        """
        key = keys.quarantine(found.key)
        known = self._cache.get(key)
        if error is not None:
            note = _note(error.message, "mend the record, or remove it", found.mod_revision)
            if known is None or known.value != note:
                self._write(found, known, [Put(key, note)])
                LOG.error("group record cannot be used", extra={"key": found.key})
        elif known is not None and _is_of_earlier(known, found):
            self._write(found, known, [Delete(key)])

    def is_exhausted(self, record: GroupRecord) -> bool:
        """Whether the group was broken off as often as it may be."""
        is_broken_off = record.state is GroupState.RUNNING
        return 0 < self._most <= record.interruptions + is_broken_off

    def put_exhausted(self, record: GroupRecord, mod_revision: int) -> bool:
        """Run a group no more until somebody wants it; False if it moved. Raises StoreError."""
        reason = (
            f"{record.attempts} conductors have claimed it and "
            f"{record.interruptions + 1} were broken off, the last was {record.conductor}"
        )
        key = keys.group(record.name)
        held = record.but(state=GroupState.SUSPENDED, error=reason)
        hint = f"see the log of {record.conductor}; then requeue it, or drop it"
        ops: list[Op] = [
            Put(key, held.encode()),
            Put(keys.quarantine(key), _note(reason, hint, 0)),
        ]
        answer = self._store.txn(
            [
                unchanged(key, mod_revision),
                absent(keys.claim(record.name)),
                absent(keys.quarantine(key)),
            ],
            ops,
        )
        if answer.succeeded:
            LOG.error("group put into quarantine", extra={"group": record.name, "reason": reason})
            observe(self._cache, ops, answer.revision)
        return answer.succeeded

    def _write(self, found: KeyValue, known: KeyValue | None, ops: list[Op]) -> None:
        key = keys.quarantine(found.key)
        held = [
            unchanged(found.key, found.mod_revision),
            unchanged(key, known.mod_revision if known is not None else 0),
        ]
        answer = self._store.txn(held, ops)
        if answer.succeeded:
            observe(self._cache, ops, answer.revision)


def _note(reason: str, hint: str, revision: int) -> bytes:
    return codec.dumps({"reason": reason, "hint": hint, "revision": revision})


def _is_of_earlier(known: KeyValue, found: KeyValue) -> bool:
    """Whether the entry speaks of an earlier revision of the document; 0 is of every one."""
    try:
        revision = codec.loads_object(known.key, known.value).get("revision")
    except DocumentInvalid:
        return False  # not an entry of ours: whoever wrote it takes it away
    return isinstance(revision, int) and 0 < revision < found.mod_revision
