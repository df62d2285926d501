"""The store interface: what the rest of the product may ask of etcd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key as etcd has it. ``mod_revision`` orders all changes of the whole store."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    lease: int = 0


class Target(StrEnum):
    """What a compare looks at."""

    CREATE = "create_revision"
    MOD = "mod_revision"


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition of a transaction: ``target`` of ``key`` equals ``revision``.

    A key that does not exist has revision 0. Use the makers below, they say what is meant.
    """

    key: str
    target: Target
    revision: int


def absent(key: str) -> Compare:
    """The key does not exist."""
    return Compare(key, Target.CREATE, 0)


def created_at(key: str, revision: int) -> Compare:
    """The key is still the one created at ``revision``: the fencing compare."""
    return Compare(key, Target.CREATE, revision)


def unchanged(key: str, mod_revision: int) -> Compare:
    """The key was last written at ``mod_revision`` (0: does not exist)."""
    return Compare(key, Target.MOD, mod_revision)


@dataclass(frozen=True, slots=True)
class Put:
    """Write a key, attached to ``lease`` where that is not 0."""

    key: str
    value: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one key; no error if there is none."""

    key: str


@dataclass(frozen=True, slots=True)
class DeletePrefix:
    """Remove every key that starts with ``prefix``, which must end in ``/`` or ``:``."""

    prefix: str


Op = Put | Delete | DeletePrefix


@dataclass(frozen=True, slots=True)
class Txn:
    """The answer to a transaction: whether the compares held, and the store's revision then."""

    succeeded: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Range:
    """The answer to a list: the keys in order, and the revision at which they were read."""

    items: tuple[KeyValue, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class Event:
    """One change seen by a watch; ``value`` is None when the key was removed."""

    key: str
    value: bytes | None
    mod_revision: int
    create_revision: int = 0
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes of one or more whole revisions, in order. ``revision`` is the newest one covered.

    A batch without events tells that nothing happened up to ``revision``.
    """

    events: tuple[Event, ...]
    revision: int


class Watch(Protocol):
    """A running watch. Survives reconnects, restarts and leader changes without a gap."""

    def __iter__(self) -> Iterator[Batch]:
        """Batches as they come; ends after :meth:`cancel`. Raises Compacted: list again."""

    def cancel(self) -> None:
        """End the watch, from any thread."""


class ReadStore(Protocol):
    """What can be asked without writing: the only store that plans and views get."""

    def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        """The key as it was at one revision (0: now, linearizable), or None.

        Raises StoreUnavailable, Compacted.
        """

    def range(self, prefix: str, *, revision: int = 0) -> Range:
        """Every key that starts with ``prefix``, read at one revision (0: now), page by page.

        Raises StoreUnavailable, Compacted.
        """

    def watch(self, prefix: str, *, start_revision: int) -> Watch:
        """Watch every key that starts with ``prefix`` from ``start_revision`` on."""


class Store(ReadStore, Protocol):
    """Everything the product asks of etcd. Thread-safe."""

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        """Do all ``ops`` if all ``compares`` hold, else nothing.

        ``succeeded`` False: a compare did not hold, nothing was written. Raises Indeterminate when
        the write may have happened, StoreUnavailable when it did not, TooLarge, NoSpace.
        """

    def put(self, key: str, value: bytes, *, lease: int = 0) -> int:
        """Write one key unconditionally; the revision of the write."""

    def delete(self, key: str) -> bool:
        """Remove one key; whether it was there."""

    def grant(self, ttl_seconds: int) -> int:
        """A new lease; its id."""

    def keep_alive(self, lease: int) -> float:
        """Refresh a lease once; seconds it has left, 0 or less if it has expired."""

    def revoke(self, lease: int) -> None:
        """End a lease and remove its keys; no error if it is gone."""

    def close(self) -> None:
        """Release connections; running watches end."""
