"""How details reach etcd: at once here, behind a claim in :mod:`esi_flows.engine.fenced`."""

from __future__ import annotations

from typing import Protocol

from esi_flows.store.base import Store


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
