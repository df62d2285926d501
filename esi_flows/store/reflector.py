"""A copy of some prefixes in memory, kept current by a watch: list, then watch from there on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from esi_flows.model.errors import Compacted, StoreError
from esi_flows.store._cache import Cache
from esi_flows.store.base import KeyValue, ReadStore, Watch

LOG = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0

OnChange = Callable[[Sequence[str]], None]


class Reflector:
    """Prefixes of the store in memory. Each is read at one revision, and followed from there.

    ``on_change`` gets the keys that changed, removed ones included, in a thread of the reflector's
    own: one call at a time, changes that come meanwhile are given together. It reads the new state
    from here. What it raises is logged and does no harm.

    It goes on through outages with what it knows; news may be late, never out of order for a key.
    Prefixes end in ``/``, and none may be below another.
    """

    def __init__(
        self, store: ReadStore, prefixes: Sequence[str], on_change: OnChange | None = None
    ) -> None:
        self._cache = Cache()
        self._prefixes = tuple(prefixes)
        self._notifier = _Notifier(on_change) if on_change is not None else None
        self._stopped = threading.Event()
        self._mirrors = [
            _Mirror(store, prefix, self._cache, self._changed, self._stopped) for prefix in prefixes
        ]

    @property
    def revision(self) -> int:
        """Every change up to this revision is in here; 0 before all prefixes are read."""
        return min((mirror.revision for mirror in self._mirrors), default=0)

    def start(self) -> None:
        """Begin to read and follow."""
        for thread in (self._notifier, *self._mirrors):
            if thread is not None:
                thread.start()

    def wait_synced(self, timeout: float | None = None) -> bool:
        """Wait until every prefix has been read once; whether that is so now."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for mirror in self._mirrors:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not mirror.synced.wait(left):
                return False
        return True

    def get(self, key: str) -> KeyValue | None:
        """The key, or None."""
        return self._cache.get(key)

    def items(self, prefix: str) -> list[KeyValue]:
        """Every key that starts with ``prefix`` (not empty), in order."""
        return self._cache.items(prefix)

    def observe(self, items: Sequence[KeyValue], removed: Sequence[str], revision: int) -> None:
        """Take over a write of our own at once, before the watch brings it.

        ``items`` as they are since ``revision``, ``removed`` the keys it removed. What somebody
        else has written since then is kept; keys of other prefixes are left out.
        """
        ours = [item for item in items if item.key.startswith(self._prefixes)]
        gone = [key for key in removed if key.startswith(self._prefixes)]
        self._changed(self._cache.observe(ours, gone, revision))

    def stop(self) -> None:
        """End the watches; what is known can still be read."""
        self._stopped.set()
        for mirror in self._mirrors:
            mirror.cancel()
        for thread in (*self._mirrors, self._notifier):
            if thread is not None:
                thread.end()

    def _changed(self, keys: Sequence[str]) -> None:
        if self._notifier is not None:
            self._notifier.add(keys)


class _Thread:
    """A daemon thread with a name, joined at its end unless it ends itself."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def run(self) -> None:
        raise NotImplementedError


class _Mirror(_Thread):
    """Keeps one prefix of the cache current."""

    def __init__(
        self,
        store: ReadStore,
        prefix: str,
        cache: Cache,
        changed: OnChange,
        stopped: threading.Event,
    ) -> None:
        super().__init__(f"reflector {prefix}")
        self.revision = 0
        self.synced = threading.Event()
        self._store = store
        self._prefix = prefix
        self._cache = cache
        self._changed = changed
        self._stopped = stopped
        self._watch: Watch | None = None
        self._lock = threading.Lock()

    def cancel(self) -> None:
        with self._lock:
            if self._watch is not None:
                self._watch.cancel()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._list()
                self._follow()
            except Compacted:
                LOG.info("history is gone, listing again", extra={"prefix": self._prefix})
                continue
            except StoreError as error:
                LOG.warning(
                    "cannot follow, trying again",
                    extra={"prefix": self._prefix, "reason": error.message},
                )
            except Exception:
                LOG.exception("reflector failed, starting over", extra={"prefix": self._prefix})
            self._stopped.wait(_RETRY_SECONDS)

    def _list(self) -> None:
        listing = self._store.range(self._prefix)
        if listing.revision < self.revision:
            LOG.error(
                "etcd has gone back in time (restored from a backup?), starting from what it has",
                extra={"prefix": self._prefix, "from": self.revision, "to": listing.revision},
            )
            self._changed(self._cache.clear(self._prefix))
        self._changed(self._cache.replace(self._prefix, listing.items, listing.revision))
        self.revision = listing.revision
        self.synced.set()

    def _follow(self) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            self._watch = self._store.watch(self._prefix, start_revision=self.revision + 1)
        for batch in self._watch:
            self._changed(self._cache.apply(self._prefix, batch.events, batch.revision))
            self.revision = batch.revision


class _Notifier(_Thread):
    """Calls ``on_change`` with the keys that have changed since the last call."""

    def __init__(self, on_change: OnChange) -> None:
        super().__init__("reflector notifier")
        self._on_change = on_change
        # a dict keeps the order in which they changed
        self._keys: dict[str, None] = {}
        self._wake = threading.Condition()
        self._ending = False

    def add(self, keys: Sequence[str]) -> None:
        if keys:
            with self._wake:
                self._keys.update(dict.fromkeys(keys))
                self._wake.notify()

    def end(self) -> None:
        with self._wake:
            self._ending = True
            self._wake.notify()
        super().end()

    def run(self) -> None:
        while keys := self._take():
            try:
                self._on_change(keys)
            except Exception:
                LOG.exception("on_change failed", extra={"keys": len(keys)})

    def _take(self) -> list[str]:
        with self._wake:
            self._wake.wait_for(lambda: self._keys or self._ending)
            keys, self._keys = list(self._keys), {}
            return [] if self._ending else keys
