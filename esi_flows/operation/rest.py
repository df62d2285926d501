"""Tells when nothing is left to do, as it is written in etcd: for ``conductor --once``."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.changes import is_change
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Store
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import catch_up

LOG = logging.getLogger(__name__)

_ALL = (keys.CONFIG, keys.MEMO, keys.QUARANTINE, keys.GROUPS)


class Rest:
    """Follows intents and groups; at rest when every intent is decided and every group has ended.

    Whoever compiles and runs them, here or elsewhere. Groups that end badly after
    :meth:`begin` are in ``failed``.
    """

    def __init__(self, store: Store, catalog: Catalog, on_rest: Callable[[], None]) -> None:
        """``on_rest`` is called when it looks like rest, in any thread; :meth:`confirm` then."""
        self._store = store
        self._catalog = catalog
        self._on_rest = on_rest
        self._cache = Reflector(store, _ALL, self._changed)
        self._undecided: set[ResourcePath] = set()
        self._unfinished: set[str] = set()
        self._ended_before: dict[str, int] = {}
        self._failed: set[str] = set()
        self._is_ready = False
        self._lock = threading.Lock()

    @property
    def failed(self) -> frozenset[str]:
        """Groups that have ended badly since the start, by name."""
        with self._lock:
            return frozenset(self._failed)

    def start(self) -> None:
        """Follow the store; etcd is asked until it answers."""
        self._cache.start()

    def begin(self, timeout: float | None = None) -> bool:
        """Wait until all is known that there is now; whether that is so. Counting begins then."""
        if not self._cache.wait_synced(timeout):
            return False
        with self._lock:
            if not self._is_ready:
                self._take_stock()
        return True

    def look(self) -> None:
        """Call ``on_rest`` now, if it looks like rest."""
        with self._lock:
            rests = self._is_ready and self._rests()
        if rests:
            self._on_rest()

    def confirm(self) -> bool:
        """Whether there is rest by what is stored now. Raises StoreUnavailable.

        The watches of intents and groups bring what was written together one after the other; here
        groups are read last, so that none is missing whose intent counts as decided.
        """
        catch_up(self._store, self._cache, _ALL)
        with self._lock:
            self._take_in_all()
            return self._rests()

    def stop(self) -> None:
        """End the watches."""
        self._cache.stop()

    def _take_stock(self) -> None:
        for item in self._cache.items(keys.GROUPS):
            record = _record(item.key, item.value)
            if record is not None and record.state.ended:
                self._ended_before[item.key] = item.mod_revision
        self._take_in_all()
        self._is_ready = True

    def _rests(self) -> bool:
        return not self._undecided and not self._unfinished

    def _take_in_all(self) -> None:
        known = {item.key for root in _ALL for item in self._cache.items(root)}
        known |= self._unfinished | {keys.config(path) for path in self._undecided}
        for key in known:
            self._take_in(key)

    def _changed(self, changed: Sequence[str]) -> None:
        with self._lock:
            if not self._is_ready:
                return  # all of it is looked at when it begins
            for key in changed:
                self._take_in(key)
        self.look()

    def _take_in(self, key: str) -> None:
        if key.startswith(keys.GROUPS):
            self._group(key)
            return
        source = keys.quarantined(key) if key.startswith(keys.QUARANTINE) else key
        root = keys.MEMO if source.startswith(keys.MEMO) else keys.CONFIG
        path = keys.parse_resource(source, root)
        if path is None:
            return
        (self._undecided.discard if self._is_decided(path) else self._undecided.add)(path)

    def _group(self, key: str) -> None:
        found = self._cache.get(key)
        record = _record(key, found.value) if found is not None else None
        if found is None or record is None or record.state.ended:
            self._unfinished.discard(key)
        else:
            self._unfinished.add(key)
        if found is None or record is None or not record.state.ended:
            return
        if found.mod_revision != self._ended_before.get(key):
            name = record.name
            is_bad = record.state is not GroupState.SUCCESS
            (self._failed.add if is_bad else self._failed.discard)(name)

    def _is_decided(self, path: ResourcePath) -> bool:
        """Whether the reader has nothing to do about a resource."""
        wanted, known = self._cache.get(keys.config(path)), self._cache.get(keys.memo(path))
        if path.collection == keys.HEAT_TEMPLATE_COLLECTION:
            return True
        revision = wanted.mod_revision if wanted is not None else 0
        if self._is_refused(keys.config(path), revision):
            return True
        if wanted is None:
            return known is None or self._catalog.resource(path) is None
        try:
            memo = Memo.decode(known.key, known.value) if known is not None else None
            intent = Intent.decode(wanted.key, wanted.value)
        except DocumentInvalid:
            return False  # it is about to be put into quarantine
        return not is_change(intent, memo)

    def _is_refused(self, key: str, revision: int) -> bool:
        """Whether this very document is in quarantine."""
        found = self._cache.get(keys.quarantine(key))
        if found is None:
            return False
        try:
            return codec.loads_object(found.key, found.value).get("revision") == revision
        except DocumentInvalid:
            return False


def _record(key: str, value: bytes) -> GroupRecord | None:
    """The record of a group, None where it cannot be read: nobody will ever run that."""
    try:
        return GroupRecord.decode(key, value)
    except DocumentInvalid as error:
        LOG.warning("group record cannot be read", extra={"key": key, "reason": error.reason})
        return None
