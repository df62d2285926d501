"""A store that fails as it is told: for tests, and for trying out what an outage does."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from esi_flows.model.errors import Indeterminate, StoreUnavailable
from esi_flows.store.base import Compare, KeyValue, Op, Range, Store, Txn, Watch

T = TypeVar("T")


class Fault(StrEnum):
    """What happens to one call. All but ERROR are an Indeterminate to who writes."""

    ERROR = "error"
    """Nothing is done, and that is known."""
    LOST_REQUEST = "lost request"
    """Nothing is done, and nobody can tell."""
    LOST_REPLY = "lost reply"
    """It is done, and nobody can tell."""
    DELAYED = "delayed"
    """It is done at the next :meth:`FaultyStore.deliver`, when the caller has moved on."""


Choose = Callable[[str, Sequence[Any]], Fault | None]
"""Gets the name of the method and what it is called with; None lets the call pass."""


def seeded(seed: int, *, rate: float, methods: Sequence[str]) -> Choose:
    """Any fault, in a share ``rate`` of the calls of ``methods``; the same for the same seed."""
    generator = random.Random(seed)

    def choose(method: str, _arguments: Sequence[Any]) -> Fault | None:
        hit = method in methods and generator.random() < rate
        return generator.choice(list(Fault)) if hit else None

    return choose


class FaultyStore:
    """A :class:`~esi_flows.store.base.Store` in front of another. Watches never fail."""

    def __init__(self, store: Store, choose: Choose) -> None:
        self._store = store
        self.choose = choose
        self._delayed: list[Callable[[], Any]] = []

    def deliver(self) -> None:
        """Do all that was delayed, in the order in which it was asked for."""
        delayed, self._delayed = self._delayed, []
        for call in delayed:
            call()

    def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        """As the store behind, or StoreUnavailable."""
        self._may_read("get", key)
        return self._store.get(key, revision=revision)

    def range(self, prefix: str, *, revision: int = 0) -> Range:
        """As the store behind, or StoreUnavailable."""
        self._may_read("range", prefix)
        return self._store.range(prefix, revision=revision)

    def watch(self, prefix: str, *, start_revision: int) -> Watch:
        """As the store behind."""
        return self._store.watch(prefix, start_revision=start_revision)

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        """As the store behind, or StoreUnavailable, or Indeterminate."""
        return self._write(lambda: self._store.txn(compares, ops), "txn", compares, ops)

    def put(self, key: str, value: bytes, *, lease: int = 0) -> int:
        """As the store behind, or StoreUnavailable, or Indeterminate."""
        return self._write(lambda: self._store.put(key, value, lease=lease), "put", key, value)

    def delete(self, key: str) -> bool:
        """As the store behind, or StoreUnavailable, or Indeterminate."""
        return self._write(lambda: self._store.delete(key), "delete", key)

    def grant(self, ttl_seconds: int) -> int:
        """As the store behind, or StoreUnavailable."""
        self._may_read("grant", ttl_seconds)
        return self._store.grant(ttl_seconds)

    def keep_alive(self, lease: int) -> float:
        """As the store behind, or StoreUnavailable."""
        self._may_read("keep_alive", lease)
        return self._store.keep_alive(lease)

    def revoke(self, lease: int) -> None:
        """As the store behind, or StoreUnavailable."""
        self._may_read("revoke", lease)
        self._store.revoke(lease)

    def close(self) -> None:
        """The store behind belongs to who made it."""

    def _may_read(self, method: str, *arguments: Any) -> None:
        fault = self.choose(method, arguments)
        if fault is not None:
            raise StoreUnavailable(f"{method}: {fault}, as asked for")

    def _write(self, call: Callable[[], T], method: str, *arguments: Any) -> T:
        fault = self.choose(method, arguments)
        if fault is None:
            return call()
        message = f"{method}: {fault}, as asked for"
        if fault is Fault.ERROR:
            raise StoreUnavailable(message)
        if fault is Fault.LOST_REPLY:
            call()
        elif fault is Fault.DELAYED:
            self._delayed.append(call)
        raise Indeterminate(message)
