"""An operation log: who wrote what, behind which compares, and what etcd made of it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esi_flows.model import keys
from esi_flows.store.base import Compare, Delete, Op, Put, Store, Txn
from esi_flows.store.faults import FaultyStore


@dataclass(frozen=True, slots=True)
class Operation:
    """One write that etcd has answered."""

    client: str
    compares: tuple[Compare, ...]
    ops: tuple[Op, ...]
    succeeded: bool
    revision: int

    def claims(self) -> set[str]:
        """The groups and roles that it claims."""
        return {
            op.key.removeprefix(keys.CLAIMS)
            for op in self.ops
            if isinstance(op, Put) and op.key.startswith(keys.CLAIMS)
        }


class OperationLog:
    """A file that every process appends to. What a process wrote stays when it is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, operation: Operation) -> None:
        """Note an operation; whole, for it is one write(2)."""
        os.write(self._file, pickle.dumps(operation))

    def read(self) -> list[Operation]:
        """All operations so far, of each client in its order."""
        operations = []
        with self.path.open("rb") as file:
            while file.peek(1):
                operations.append(pickle.load(file))
        return operations

    def clear(self) -> None:
        """Forget all."""
        os.truncate(self.path, 0)


class RecordingStore(FaultyStore):
    """Notes what is written through it, and by whom."""

    def __init__(self, store: Store, log: OperationLog, client: Callable[[], str]) -> None:
        super().__init__(store, _never)
        self._log = log
        self._client = client

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        answer = super().txn(compares, ops)
        if ops:
            self._note(compares, ops, answer)
        return answer

    def put(self, key: str, value: bytes, *, lease: int = 0) -> int:
        revision = super().put(key, value, lease=lease)
        self._note((), (Put(key, value, lease),), Txn(True, revision))
        return revision

    def delete(self, key: str) -> bool:
        was_there = super().delete(key)
        self._note((), (Delete(key),), Txn(was_there, 0))
        return was_there

    def _note(self, compares: Sequence[Compare], ops: Sequence[Op], answer: Txn) -> None:
        self._log.add(
            Operation(
                self._client(), tuple(compares), tuple(ops), answer.succeeded, answer.revision
            )
        )


def _never(method: str, arguments: Sequence[Any]) -> None:
    return None
