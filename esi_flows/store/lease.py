"""A lease that is kept alive, and that knows when it can no longer be relied on.

The law: the lease counts as lost before etcd can give away what hangs on it. So its time runs from
when the last successful refresh was sent, not from when it was answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from esi_flows.model.errors import StoreError
from esi_flows.store.base import Store

LOG = logging.getLogger(__name__)

_RETRY_SECONDS = 0.1


class KeptLease:
    """A lease of ``ttl_seconds``, refreshed every third of that. Used once: start, then stop.

    When it is lost, ``lost`` is set for good, and ``on_lost`` is called once, in a thread of the
    lease's own; whoever relies on the lease stops writing, or is refused by its fencing compare.
    """

    def __init__(
        self, store: Store, ttl_seconds: int, *, on_lost: Callable[[], None] | None = None
    ) -> None:
        self._store = store
        self._ttl = ttl_seconds
        self._on_lost = on_lost
        self._id = 0
        self._deadline = 0.0
        self.lost = threading.Event()
        # guards the deadline; notified when it moves, and at the end
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._refresh, name="lease refresh", daemon=True),
            threading.Thread(target=self._guard, name="lease guard", daemon=True),
        ]

    @property
    def id(self) -> int:
        """etcd's number of the lease, 0 before :meth:`start`."""
        return self._id

    @property
    def deadline(self) -> float:
        """The lease is ours until then at least, on the clock of ``time.monotonic``."""
        with self._changed:
            return self._deadline

    @property
    def seconds_left(self) -> float:
        """How long the lease can be relied on at least; 0: not at all."""
        return max(self.deadline - time.monotonic(), 0.0) if not self.lost.is_set() else 0.0

    def alive(self) -> bool:
        """Whether the lease can be relied on right now."""
        return not self.lost.is_set() and time.monotonic() < self.deadline

    def start(self) -> None:
        """Get the lease and begin to keep it. Raises StoreUnavailable, NoSpace."""
        sent = time.monotonic()
        self._id = self._store.grant(self._ttl)
        self._deadline = sent + self._ttl
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Give the lease back: what hangs on it goes with it. No error if etcd cannot be asked."""
        self._end()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join()
        self._move_deadline(0.0)
        if self._id:
            try:
                self._store.revoke(self._id)
            except StoreError as error:
                LOG.warning(
                    "lease not given back, it ends by itself",
                    extra={"lease": f"{self._id:x}", "reason": error.message},
                )

    def _refresh(self) -> None:
        pause = self._ttl / 3
        while not self._ended.wait(pause):
            sent = time.monotonic()
            try:
                left = self._store.keep_alive(self._id)
            except Exception as error:
                unforeseen = None if isinstance(error, StoreError) else error
                LOG.warning(
                    "lease not refreshed", extra={"reason": str(error)}, exc_info=unforeseen
                )
                pause = _RETRY_SECONDS
                continue
            if left <= 0:
                LOG.warning("etcd has ended the lease", extra={"lease": f"{self._id:x}"})
                self._move_deadline(0.0)
                return
            self._move_deadline(sent + min(left, self._ttl))
            pause = max(self._ttl / 3 - (time.monotonic() - sent), 0.0)

    def _move_deadline(self, deadline: float) -> None:
        with self._changed:
            # an answer that comes after the time was over does not bring the lease back: who
            # relied on it may have stopped by then
            if time.monotonic() < self._deadline:
                self._deadline = deadline
            self._changed.notify()

    def _guard(self) -> None:
        """Wait for the deadline, however long a refresh hangs meanwhile."""
        with self._changed:
            while not self._ended.is_set():
                left = self._deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            else:
                return
            self.lost.set()
        self._end()
        LOG.error("lease lost", extra={"lease": f"{self._id:x}"})
        try:
            if self._on_lost is not None:
                self._on_lost()
        except Exception:
            LOG.exception("on_lost failed")

    def _end(self) -> None:
        with self._changed:
            self._ended.set()
            self._changed.notify()
