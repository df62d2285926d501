"""Group commit: the writes of many claimed flows share transactions, each behind its own fence."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from esi_flows.model import codec, keys
from esi_flows.model.errors import (
    ClaimLost,
    EsiFlowsError,
    Indeterminate,
    StoreUnavailable,
)
from esi_flows.store.base import Compare, DeletePrefix, Op, Put, Store, unchanged

LOG = logging.getLogger(__name__)

MAX_OPS = 120
"""Operations of flows in one transaction; etcd takes 128 unless it is told otherwise."""
MAX_BYTES = 1024 * 1024
"""Bytes in one transaction, roughly; etcd takes 1.5 MiB unless it is told otherwise."""

RETRY_SECONDS = 0.1

Done = Callable[[EsiFlowsError | None], None]


@dataclass(frozen=True, eq=False, slots=True)
class Commit:
    """Writes that one flow wants durable at once: all of ``ops``, if ``fence`` holds.

    ``done`` is called in the committer's thread: with None when they are durable, else with
    ClaimLost or the StoreError that kept them from being written.
    """

    fence: Compare
    ops: tuple[Op, ...]
    done: Done

    def keys(self) -> set[str]:
        """The single keys that are written; etcd refuses one twice in a transaction."""
        return {op.key for op in self.ops if not isinstance(op, DeletePrefix)}

    def size(self) -> int:
        """Bytes, roughly."""
        return sum(size_of(op) for op in self.ops)


class Committer:
    """One thread that sends what is waiting, as much as fits, as one transaction after the other.

    While one transaction is on its way, what flows bring meanwhile gathers for the next. Every
    transaction compares the claim of every flow in it, and the committer's own ``marker`` with what
    the last transaction left there: so a transaction whose answer was lost is told from one that
    never happened by reading the marker back, and no delayed copy of it can take effect after a
    newer one. A refused transaction of several flows is tried again flow by flow, so that only
    those whose claim is lost hear of it.
    """

    def __init__(
        self, store: Store, name: str, *, lease: int = 0, may_wait: Callable[[], bool]
    ) -> None:
        """``name`` must be unique to this start of this process, ``lease`` is what its claims hang
        on (0: none), and ``may_wait`` says whether that lease can still be relied on.
        """
        self._store = store
        self._marker = keys.marker(name)
        self._lease = lease
        self._may_wait = may_wait
        self._revision = 0
        self._sequence = 0
        self._waiting: deque[Commit] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is waiting, then end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def submit(self, commits: Sequence[Commit]) -> None:
        """Have these written, each at once or not at all, in the order given where keys meet."""
        with self._changed:
            self._waiting.extend(commits)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if not self._waiting:
                    return
                commits = self._next()
            self._commit(commits)

    def _next(self) -> list[Commit]:
        """As many of those waiting, in their order, as fit into one transaction."""
        taken: list[Commit] = []
        written: set[str] = set()
        ops = size = 0
        while self._waiting:
            commit = self._waiting[0]
            ops += len(commit.ops)
            size += commit.size()
            its_keys = commit.keys()
            if taken and (ops > MAX_OPS or size > MAX_BYTES or not written.isdisjoint(its_keys)):
                break
            written |= its_keys
            taken.append(self._waiting.popleft())
        return taken

    def _commit(self, commits: list[Commit]) -> None:
        try:
            succeeded = self._send(commits)
        except Exception as error:  # noqa: BLE001 - those who wait must hear of it, whatever it is
            if isinstance(error, ClaimLost) or len(commits) == 1:
                _tell(commits, _told(error))
                return
            succeeded = False  # one of them is not to etcd's liking: which one?
        if succeeded:
            _tell(commits, None)
        elif len(commits) == 1:
            key = commits[0].fence.key
            _tell(commits, ClaimLost(f"{key} is not ours any more; the write was refused"))
        else:
            for commit in commits:
                self._commit([commit])

    def _send(self, commits: Sequence[Commit]) -> bool:
        """Whether the transaction took effect, for certain. Raises ClaimLost, StoreError."""
        self._sequence += 1
        mine = codec.dumps({"sequence": self._sequence})
        # one key may be there with two claims, of a group that has come back: then neither holds
        fences = dict.fromkeys(commit.fence for commit in commits)
        ops = [op for commit in commits for op in commit.ops]
        while True:
            self._check()
            compares = [unchanged(self._marker, self._revision), *fences]
            try:
                answer = self._store.txn(compares, [Put(self._marker, mine, self._lease), *ops])
            except (Indeterminate, StoreUnavailable) as error:
                LOG.warning("write not confirmed, reading back", extra={"error": str(error)})
                if self._arrived(mine):
                    return True
                time.sleep(RETRY_SECONDS)
                continue
            if answer.succeeded:
                self._revision = answer.revision
                return True
            return self._arrived(mine)

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
        if not self._may_wait():
            raise ClaimLost("the lease under which this group is claimed has run out")


def _tell(commits: Sequence[Commit], error: EsiFlowsError | None) -> None:
    for commit in commits:
        try:
            commit.done(error)
        except Exception:
            # the others must hear of theirs, and nobody of the same twice
            LOG.exception("who asked for a write failed on its answer, a defect")


def _told(error: Exception) -> EsiFlowsError:
    """The error as it is told to who asked for the write."""
    if isinstance(error, EsiFlowsError):
        return error
    LOG.error("transaction ended by an internal error", exc_info=error)
    return EsiFlowsError(f"not written, a defect: {error!r}")


def size_of(op: Op) -> int:
    """Bytes of one operation, roughly."""
    if isinstance(op, Put):
        return len(op.key) + len(op.value)
    return len(op.prefix if isinstance(op, DeletePrefix) else op.key)
