"""Takes groups for one conductor, under its lease."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from esi_flows.engine.commit import MAX_BYTES
from esi_flows.model import codec, keys
from esi_flows.model.errors import Indeterminate
from esi_flows.model.groups import GroupRecord
from esi_flows.store.base import Compare, Delete, KeyValue, Op, Put, Store, absent, unchanged
from esi_flows.store.claims import Claim, take_claim

LOG = logging.getLogger(__name__)

MAX_COMPARES = 120
"""Compares of one transaction; etcd takes 128."""


class Wanted(NamedTuple):
    """A group to be claimed, as its record was read at ``mod_revision``, if ``compares`` hold."""

    record: GroupRecord
    mod_revision: int
    compares: Sequence[Compare] = ()


class _Taking(NamedTuple):
    """What a claim compares and writes besides itself."""

    name: str
    compares: Sequence[Compare]
    marked: Put


class Claims:
    """``conductor_id`` must be unique to this start of this process, and so its lease."""

    def __init__(self, store: Store, *, conductor_id: str, lease: int) -> None:
        self._store = store
        self._conductor_id = conductor_id
        self._lease = lease

    def take_groups(self, wanted: Sequence[Wanted], now: float) -> list[Claim | None]:
        """Claim groups and mark them RUNNING: each whole or not at all. Raises StoreError.

        None for a group of which another was faster, or whose compares do not hold. As many as fit
        share a transaction; where that is refused, or nobody knows, each is tried by itself. A
        claim whose fate is unknown is found by the watch.
        """
        claims: list[Claim | None] = []
        for batch in _batches(wanted, self._conductor_id, now):
            claims += self._take_together(batch) or [
                take_claim(
                    self._store,
                    taking.name,
                    holder=self._conductor_id,
                    lease=self._lease,
                    compares=taking.compares,
                    ops=[taking.marked],
                )
                for taking in batch
            ]
        return claims

    def give_back(self, found: KeyValue, *, is_used: bool) -> None:
        """Give back a claim of ours that nobody uses, and one that nobody can hold.

        Ours we took without being told so, or could not give back when its run ended. A claim
        without a lease was written by none of us, and nothing else would ever end it. Raises
        StoreError.
        """
        name = found.key.removeprefix(keys.CLAIMS)
        if not found.lease:
            self._store.txn([unchanged(found.key, found.mod_revision)], [Delete(found.key)])
            LOG.error("claim without a lease removed", extra={"key": found.key})
            return
        if found.lease == self._lease and name != keys.READER_ROLE and not is_used:
            claim = Claim(name, found.create_revision)
            if self._store.txn([claim.fence], [Delete(found.key)]).succeeded:
                LOG.warning("claim given back that nobody used", extra={"group": name})

    def _take_together(self, batch: Sequence[_Taking]) -> Sequence[Claim]:
        """The claims of all; none if it is not known that all are ours."""
        if len(batch) == 1:
            return ()
        holder = codec.dumps({"holder": self._conductor_id})
        compares: dict[Compare, None] = {}
        ops: list[Op] = []
        for taking in batch:
            key = keys.claim(taking.name)
            compares |= dict.fromkeys((absent(key), *taking.compares))
            ops += [Put(key, holder, lease=self._lease), taking.marked]
        try:
            answer = self._store.txn(list(compares), ops)
        except Indeterminate:
            return ()
        return [Claim(t.name, answer.revision) for t in batch] if answer.succeeded else ()


def _batches(wanted: Sequence[Wanted], conductor_id: str, now: float) -> Iterator[list[_Taking]]:
    batch: list[_Taking] = []
    compares = size = 0
    for record, mod_revision, others in wanted:
        name = record.name
        marked = Put(keys.group(name), running(record, conductor_id, now).encode())
        taking = _Taking(name, (unchanged(marked.key, mod_revision), *others), marked)
        compares += len(taking.compares) + 1
        size += len(marked.value)
        if batch and (compares > MAX_COMPARES or size > MAX_BYTES):
            yield batch
            batch, compares, size = [], len(taking.compares) + 1, len(marked.value)
        batch.append(taking)
    if batch:
        yield batch


def running(record: GroupRecord, conductor_id: str, now: float) -> GroupRecord:
    """The record of a group that a conductor has just claimed."""
    return record.claimed_by(conductor_id, now)
