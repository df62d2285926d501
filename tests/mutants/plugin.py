"""Breaks the product in one place, as named by ``ESI_FLOWS_MUTANT``: a pytest plug-in.

Used as ``ESI_FLOWS_MUTANT=... pytest -p tests.mutants.plugin``; without the variable all is well.
What a transaction lacks is taken out where it is sent, so that mutants outlive changes above.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from esi_flows.engine.commit import Committer
from esi_flows.engine.fenced import FencedWriter
from esi_flows.model import keys
from esi_flows.store.base import Compare, Delete, DeletePrefix, Op, Put, Txn
from esi_flows.store.etcd import EtcdStore
from esi_flows.store.faults import FaultyStore
from esi_flows.store.lease import KeptLease

_txn = EtcdStore.txn
_faulty_txn = FaultyStore.txn
_send = FencedWriter.send


def _key(op: Op) -> str:
    return op.prefix if isinstance(op, DeletePrefix) else op.key


def _without_compares(prefix: str) -> Callable[..., Txn]:
    """Transactions of flows do not compare the keys below ``prefix``.

    Above the operation log, which is to see what the product would have sent.
    """

    def txn(self: FaultyStore, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        if any(_key(op).startswith(keys.MARKERS) for op in ops):
            compares = [compare for compare in compares if not compare.key.startswith(prefix)]
        return _faulty_txn(self, compares, ops)

    return txn


def _split(is_later: Callable[[Op], bool], is_split: Callable[[Op], bool]) -> Callable[..., Txn]:
    """Transactions in which ``is_split`` is done are two: what ``is_later`` comes second."""

    def txn(self: EtcdStore, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        later = [op for op in ops if is_later(op)]
        first = [op for op in ops if not is_later(op)]
        if not (later and first and any(map(is_split, ops))):
            return _txn(self, compares, ops)
        answer = _txn(self, compares, first)
        return _txn(self, [], later) if answer.succeeded else answer

    return txn


def _ends_group(op: Op) -> bool:
    return isinstance(op, Delete) and op.key.startswith(keys.CLAIMS)


def _is_atom(op: Op) -> bool:
    return isinstance(op, Put) and op.key.startswith(keys.PERSISTENCE) and "/atoms/" in op.key


def _told_too_early(self: FencedWriter, done: Callable[[Any], None]) -> None:
    done(None)
    _send(self, lambda error: None)


MUTANTS: Mapping[str, tuple[Any, str, Any]] = {
    "claim-not-compared": (FaultyStore, "txn", _without_compares(keys.CLAIMS)),
    "marker-not-compared": (FaultyStore, "txn", _without_compares(keys.MARKERS)),
    "end-in-two": (EtcdStore, "txn", _split(lambda op: isinstance(op, Delete), _ends_group)),
    "outcome-in-two": (EtcdStore, "txn", _split(_is_atom, _is_atom)),
    "unknown-taken-for-done": (Committer, "_arrived", lambda self, mine: True),
    "started-before-durable": (FencedWriter, "send", _told_too_early),
    "lease-deadline-ignored": (KeptLease, "alive", lambda self: True),
}
"""What is replaced in which class or module, and by what."""


def pytest_configure() -> None:
    """Become the mutant."""
    name = os.environ.get("ESI_FLOWS_MUTANT")
    if name:
        owner, attribute, value = MUTANTS[name]
        assert hasattr(owner, attribute), f"{name}: there is no {attribute} any more"
        setattr(owner, attribute, value)
