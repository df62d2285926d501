"""A store that counts what is asked of it, and what became true by it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, StoreError
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.operation.metrics import Metrics
from esi_flows.store.base import Compare, KeyValue, Op, Put, Range, Store, Txn, Watch


class ObservedStore:
    """A :class:`~esi_flows.store.base.Store` in front of another, with the same answers.

    What happens to groups is read off the transactions that made it so, once etcd has confirmed
    them. One whose answer was lost is not counted, although it may have happened.
    """

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        """As the store behind."""
        with self._observed("get"):
            return self._store.get(key, revision=revision)

    def range(self, prefix: str, *, revision: int = 0) -> Range:
        """As the store behind."""
        with self._observed("range"):
            return self._store.range(prefix, revision=revision)

    def watch(self, prefix: str, *, start_revision: int) -> Watch:
        """As the store behind; a watch is no call."""
        return self._store.watch(prefix, start_revision=start_revision)

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        """As the store behind."""
        with self._observed("txn"):
            answer = self._store.txn(compares, ops)
        if answer.succeeded:
            self._written(ops)
        else:
            self._metrics.store_refused.inc()
        return answer

    def put(self, key: str, value: bytes, *, lease: int = 0) -> int:
        """As the store behind."""
        with self._observed("put"):
            return self._store.put(key, value, lease=lease)

    def delete(self, key: str) -> bool:
        """As the store behind."""
        with self._observed("delete"):
            return self._store.delete(key)

    def grant(self, ttl_seconds: int) -> int:
        """As the store behind."""
        with self._observed("grant"):
            return self._store.grant(ttl_seconds)

    def keep_alive(self, lease: int) -> float:
        """As the store behind."""
        with self._observed("keep_alive"):
            return self._store.keep_alive(lease)

    def revoke(self, lease: int) -> None:
        """As the store behind."""
        with self._observed("revoke"):
            self._store.revoke(lease)

    def close(self) -> None:
        """The store behind belongs to who made it."""

    @contextmanager
    def _observed(self, operation: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except StoreError as error:
            self._metrics.store_errors.labels(operation, type(error).__name__).inc()
            raise
        finally:
            seconds = time.monotonic() - started
            self._metrics.store_seconds.labels(operation).observe(seconds)

    def _written(self, ops: Sequence[Op]) -> None:
        puts = {op.key: op.value for op in ops if isinstance(op, Put)}
        for key, value in puts.items():
            if key.startswith(keys.GROUPS):
                try:
                    record = GroupRecord.decode(key, value)
                except DocumentInvalid:
                    continue  # whoever reads it tells of it
                self._count(record, is_claimed=keys.claim(record.name) in puts)

    def _count(self, record: GroupRecord, *, is_claimed: bool) -> None:
        action, state = record.action.value, record.state
        if state.ended:
            self._metrics.groups_ended.labels(action, state.value).inc()
            if record.started_at:
                taken = record.ended_at - record.started_at
                self._metrics.group_seconds.labels(action, state.value).observe(max(taken, 0.0))
        elif is_claimed:
            again = "yes" if record.attempts > 1 else "no"
            self._metrics.claims_taken.labels(action, again).inc()
            if record.attempts == 1:
                waited = record.started_at - record.posted_at
                self._metrics.group_waiting_seconds.labels(action).observe(max(waited, 0.0))
        elif state is GroupState.PENDING and not record.attempts:
            self._metrics.groups_posted.labels(action).inc()
