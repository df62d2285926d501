"""How details reach etcd: at once, or collected and fenced by a claim."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from esi_flows.model import codec
from esi_flows.model.errors import ClaimLost, Indeterminate, StoreUnavailable
from esi_flows.store.base import Compare, Delete, DeletePrefix, Op, Put, Store, unchanged

LOG = logging.getLogger(__name__)

MAX_OPS = 100
"""Operations in one transaction; etcd takes 128 unless it is told otherwise."""
MAX_BYTES = 1024 * 1024
"""Bytes in one transaction, roughly; etcd takes 1.5 MiB unless it is told otherwise."""

RETRY_SECONDS = 0.1


class Writer(Protocol):
    """Takes writes. Which of them are durable when is the writer's business, up to ``flush``."""

    def put(self, key: str, value: bytes) -> None:
        """Write a key; the last value given counts."""

    def delete(self, key: str) -> None:
        """Remove a key."""

    def seal(self) -> None:
        """What was given since the last seal becomes durable at once or not at all, if it fits."""

    def flush(self) -> None:
        """Everything given so far is durable when this returns."""


class DirectWriter:
    """Writes without a claim, each on its own: for TaskFlow programs with one owner per flow."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, key: str, value: bytes) -> None:
        """Write at once. Raises StoreError."""
        self._store.put(key, value)

    def delete(self, key: str) -> None:
        """Remove at once. Raises StoreError."""
        self._store.delete(key)

    def seal(self) -> None:
        """Each write stands alone."""

    def flush(self) -> None:
        """Nothing is ever left to do."""


class FencedWriter:
    """Collects the writes of one claimed group and sends them as fenced transactions.

    Every transaction compares the claim, and the ``marker`` key with the value that the last
    transaction of this writer left there: so a transaction whose answer was lost is told from one
    that never happened by reading the marker back, and no delayed copy of it can ever take effect
    after a newer one. After ClaimLost nothing is written any more.
    """

    def __init__(
        self,
        store: Store,
        *,
        fence: Compare,
        marker: str,
        marker_revision: int,
        may_wait: Callable[[], bool],
    ) -> None:
        """``may_wait`` says whether a new try still makes sense: the lease is alive."""
        self._store = store
        self._fence = fence
        self._marker = marker
        self._revision = marker_revision
        self._may_wait = may_wait
        self._pending: dict[str, bytes | None] = {}
        self._unit: dict[str, int] = {}
        self._units = 0
        self._written: dict[str, bytes] = {}
        self._sequence = 0
        self._lost = False

    def remember(self, key: str, value: bytes) -> None:
        """``value`` is already stored under ``key``: writing it again is not needed."""
        self._written[key] = value

    def put(self, key: str, value: bytes) -> None:
        """Write with the next flush, unless the key has that value already."""
        if key in self._pending or self._written.get(key) != value:
            self._give(key, value)

    def delete(self, key: str) -> None:
        """Remove with the next flush."""
        self._give(key, None)

    def seal(self) -> None:
        """End a unit: a flush that takes several transactions parts between units."""
        self._units += 1

    def flush(self) -> None:
        """Send what is collected. Raises ClaimLost (also when the lease ran out), StoreError."""
        while self._pending:
            chunk = self._chunk()
            self._send([_op(key, self._pending[key]) for key in chunk])
            for key in chunk:
                self._settle(key, self._pending.pop(key))

    def finish(self, ops: Sequence[Op]) -> None:
        """One last transaction: what is collected and ``ops``; ``ops`` go first on a shared key.

        Raises ClaimLost, StoreUnavailable, Indeterminate (read back what ``ops`` wrote).
        """
        taken = {op.key for op in ops if not isinstance(op, DeletePrefix)}
        prefixes = tuple(op.prefix for op in ops if isinstance(op, DeletePrefix))
        left = [
            _op(key, value)
            for key, value in self._pending.items()
            if key not in taken and not key.startswith(prefixes)
        ]
        if len(left) + len(ops) > MAX_OPS or sum(map(_size, [*left, *ops])) > MAX_BYTES:
            self.flush()
            left = []
        self._check()
        if not self._store.txn([self._fence], [*left, *ops]).succeeded:
            self._lose()
        self._pending.clear()

    def _give(self, key: str, value: bytes | None) -> None:
        self._pending[key] = value
        self._unit.setdefault(key, self._units)

    def _settle(self, key: str, value: bytes | None) -> None:
        del self._unit[key]
        if value is None:
            self._written.pop(key, None)
        else:
            self._written[key] = value

    def _chunk(self) -> list[str]:
        """The keys of the next transaction, in the order given; whole units, if one fits."""
        chunk: list[str] = []
        size = whole = 0
        for key, value in self._pending.items():
            size += len(key) + len(value or b"")
            if chunk and self._unit[key] != self._unit[chunk[-1]]:
                whole = len(chunk)
            if chunk and (len(chunk) == MAX_OPS or size > MAX_BYTES):
                return chunk[: whole or len(chunk)]
            chunk.append(key)
        return chunk

    def _send(self, ops: list[Op]) -> None:
        self._sequence += 1
        mine = codec.dumps({"sequence": self._sequence, "fence": self._fence.revision})
        compares = [self._fence, unchanged(self._marker, self._revision)]
        while True:
            self._check()
            try:
                answer = self._store.txn(compares, [Put(self._marker, mine), *ops])
            except (Indeterminate, StoreUnavailable) as error:
                LOG.warning("write not confirmed, reading back", extra={"error": str(error)})
                if self._arrived(mine):
                    return
                time.sleep(RETRY_SECONDS)
                continue
            if answer.succeeded:
                self._revision = answer.revision
                return
            if not self._arrived(mine):
                self._lose()
            return

    def _arrived(self, mine: bytes) -> bool:
        """Whether the marker tells that our last transaction took effect."""
        while True:
            self._check()
            try:
                found = self._store.get(self._marker)
            except StoreUnavailable:
                time.sleep(RETRY_SECONDS)
                continue
            if found is None or found.value != mine:
                return False
            self._revision = found.mod_revision
            return True

    def _check(self) -> None:
        if self._lost:
            raise ClaimLost("the claim of this group was lost; nothing more is written for it")
        if not self._may_wait():
            raise ClaimLost("the lease under which this group is claimed has run out")

    def _lose(self) -> None:
        self._lost = True
        raise ClaimLost(f"{self._fence.key} is not ours any more; the write was refused")


def _size(op: Op) -> int:
    return len(op.key) + len(op.value) if isinstance(op, Put) else 0


def _op(key: str, value: bytes | None) -> Op:
    return Delete(key) if value is None else Put(key, value)
