"""The writes of one claimed flow: collected, then sent behind its claim."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from esi_flows.engine.commit import MAX_BYTES, MAX_OPS, Commit, Committer, Done, size_of
from esi_flows.model.errors import EsiFlowsError
from esi_flows.store.base import Compare, Delete, DeletePrefix, Op, Put


class FencedWriter:
    """Collects what a flow writes until somebody asks for it to be durable.

    Only the last value of a key is sent, and none that is stored already. What is too much for one
    transaction goes out as several, one after the other, parted between units (see :meth:`seal`)
    where that is possible. After the first error nothing is written any more.
    """

    def __init__(self, committer: Committer, fence: Compare) -> None:
        self._committer = committer
        self._fence = fence
        self._pending: dict[str, bytes | None] = {}
        self._late: dict[str, Callable[[], bytes]] = {}
        self._unit: dict[str, int] = {}
        self._units = 0
        self._sent: dict[str, bytes] = {}
        self._failed: EsiFlowsError | None = None
        self._lock = threading.Lock()
        self._queue: deque[tuple[tuple[Op, ...], Done | None]] = deque()
        self._is_sending = False

    @property
    def is_dirty(self) -> bool:
        """Whether anything was given since the last :meth:`send`."""
        return bool(self._pending)

    def remember(self, key: str, value: bytes) -> None:
        """``value`` is already stored under ``key``: writing it again is not needed."""
        self._sent[key] = value

    def put(self, key: str, value: bytes) -> None:
        """Write with what is sent next, unless the key has that value already."""
        if key in self._pending or self._sent.get(key) != value:
            self._give(key, value)

    def put_late(self, key: str, make: Callable[[], bytes]) -> None:
        """Write what ``make`` gives when it is sent: for what every job of a flow adds to."""
        self._late[key] = make
        self._give(key, b"")

    def delete(self, key: str) -> None:
        """Remove with what is sent next."""
        self._late.pop(key, None)
        self._give(key, None)

    def seal(self) -> None:
        """End a unit: what was given since the last seal becomes durable at once, if it fits."""
        self._units += 1

    def send(self, done: Done) -> None:
        """Make durable what was given so far; ``done`` as of :class:`Commit`.

        May be called again before that: what is sent later is never durable earlier.
        """
        self._enqueue(self._chunks(), done)

    def finish(self, ops: Sequence[Op], done: Done) -> None:
        """The flow's last transaction: what was given so far and ``ops``, which go first where
        both write a key. What is too much for one is sent before, so that ``ops`` come last.
        """
        gone = tuple(op.prefix for op in ops if isinstance(op, DeletePrefix))
        taken = {op.key for op in ops if not isinstance(op, DeletePrefix)}
        for key in [k for k in self._pending if k in taken or k.startswith(gone)]:
            del self._pending[key], self._unit[key]
        chunks = self._chunks()
        last = [*chunks[-1], *ops] if chunks else list(ops)
        if len(last) <= MAX_OPS and sum(map(size_of, last)) <= MAX_BYTES:
            chunks = [*chunks[:-1], last]
        else:
            chunks = [*chunks, list(ops)]
        self._enqueue(chunks, done)

    def flush(self) -> None:
        """As :meth:`send`, and wait. Raises ClaimLost, StoreError."""
        answer: Future[EsiFlowsError | None] = Future()
        self.send(answer.set_result)
        error = answer.result()
        if error is not None:
            raise error

    def _enqueue(self, chunks: list[list[Op]], done: Done) -> None:
        with self._lock:
            failed = self._failed
            if failed is None and (chunks or self._queue):
                self._queue += [(tuple(chunk), None) for chunk in chunks[:-1]]
                self._queue.append((tuple(chunks[-1]) if chunks else (), done))
                if not self._is_sending:
                    self._send_next()
                return
        done(failed)

    def _send_next(self) -> None:
        """Send the oldest chunk; an empty one only waits for those before it."""
        ops, _ = self._queue[0]
        self._is_sending = True
        self._committer.submit([Commit(self._fence, ops, self._sent_one)])

    def _sent_one(self, error: EsiFlowsError | None) -> None:
        """In the committer's thread: the oldest chunk is durable, or nothing will be any more."""
        with self._lock:
            if error is None:
                told = [self._queue.popleft()]
                while self._queue and not self._queue[0][0]:
                    told.append(self._queue.popleft())
            else:
                self._failed = error
                told = list(self._queue)
                self._queue.clear()
            self._is_sending = bool(self._queue)
            if self._queue:
                self._send_next()
        for _, done in told:
            if done is not None:
                done(error)

    def _give(self, key: str, value: bytes | None) -> None:
        self._pending[key] = value
        self._unit.setdefault(key, self._units)

    def _make_late(self) -> None:
        late, self._late = self._late, {}
        for key, make in late.items():
            if key in self._pending:
                value = make()
                if self._sent.get(key) == value:
                    del self._pending[key], self._unit[key]
                else:
                    self._pending[key] = value

    def _chunks(self) -> list[list[Op]]:
        """What was given as transactions, in the order given; whole units, where one fits."""
        self._make_late()
        pending, self._pending = self._pending, {}
        units, self._unit = self._unit, {}
        chunks: list[list[Op]] = []
        chunk: list[Op] = []
        size = whole = 0
        last_unit = -1
        for key, value in pending.items():
            op = Delete(key) if value is None else Put(key, value)
            size += size_of(op)
            if chunk and units[key] != last_unit:
                whole = len(chunk)
            if chunk and (len(chunk) == MAX_OPS or size > MAX_BYTES):
                cut = whole or len(chunk)
                chunks.append(chunk[:cut])
                chunk = chunk[cut:]
                size = size_of(op) + sum(map(size_of, chunk))
                whole = 0
            chunk.append(op)
            last_unit = units[key]
            if value is None:
                self._sent.pop(key, None)
            else:
                self._sent[key] = value
        if chunk:
            chunks.append(chunk)
        return chunks
