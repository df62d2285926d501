"""One copy of the store in memory, for everybody who looks."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.atoms import Atom
from esi_flows.deployments.events import Happening, Stream
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import ResourceRef, group_of, is_job_id
from esi_flows.model.steering import Pause, Steering
from esi_flows.store.base import Event, KeyValue, ReadStore
from esi_flows.store.reflector import Reflector
from esi_flows.web.groups import Row, make_row

LOG = logging.getLogger(__name__)

PREFIXES = (
    keys.CLAIMS,
    keys.CONDUCTORS,
    keys.CONFIG,
    keys.GROUPS,
    keys.JOBS,
    keys.PERSISTENCE,
    keys.QUARANTINE,
    keys.STATE,
    keys.STEERING,
)
MAX_EVENTS = 500
"""How much of what happened is remembered."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that happened, and when it was seen (seconds since the epoch)."""

    at: float
    happening: Happening


class Live:
    """What the store has, and the groups in it. Thread-safe; what it gives does not change.

    ``on_change`` is called, in a thread of its own, after something has changed.
    """

    def __init__(
        self,
        store: ReadStore,
        catalog: Catalog,
        on_change: Callable[[], None] = lambda: None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.catalog = catalog
        self._on_change = on_change
        self._clock = clock
        self._cache = Reflector(store, PREFIXES, self._changed)
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._newest: dict[ResourceRef, str] = {}
        self._atoms: dict[str, Atom] = {}
        self._of_key: dict[str, str] = {}
        self._stream = Stream()
        self._events: deque[Seen] = deque(maxlen=MAX_EVENTS)
        self._told_after: int | None = None
        self._revision = 0

    def start(self) -> None:
        """Begin to read and follow the store."""
        self._cache.start()

    def stop(self) -> None:
        """End the watches; what is known can still be read."""
        self._cache.stop()

    @property
    def is_synced(self) -> bool:
        """Whether everything has been read once."""
        return self._cache.wait_synced(0)

    def wait_synced(self, seconds: float) -> bool:
        """Wait until everything has been read once; whether it has."""
        return self._cache.wait_synced(seconds)

    @property
    def revision(self) -> int:
        """The newest revision of etcd that something shown here comes from."""
        return max(self._revision, self._cache.revision)

    def rows(self) -> list[Row]:
        """Every group that is recorded."""
        with self._lock:
            return list(self._rows.values())

    def row(self, name: str) -> Row | None:
        """One group."""
        with self._lock:
            return self._rows.get(name)

    def newest(self, resource: ResourceRef) -> Row | None:
        """The group of the newest version of a resource."""
        with self._lock:
            return self._rows.get(self._newest.get(resource, ""))

    def held_up_by(self, row: Row) -> tuple[str, ...]:
        """Names of the groups that must end well before this one begins, and have not."""
        if row.record.state.ended:
            return ()
        with self._lock:
            owners = dict.fromkeys(group_of(job) for job in row.record.waits_for)
            return tuple(name for name in owners if self._holds_up(name))

    def waiters(self, name: str) -> list[Row]:
        """The groups that wait for a group, or did."""
        with self._lock:
            rows = list(self._rows.values())
        return [row for row in rows if any(group_of(j) == name for j in row.record.waits_for)]

    def get(self, key: str) -> KeyValue | None:
        """A document below one of :data:`PREFIXES`."""
        return self._cache.get(key)

    def items(self, prefix: str) -> list[KeyValue]:
        """The documents below a prefix that is one of :data:`PREFIXES`, or is below one."""
        return self._cache.items(prefix)

    def atoms(self) -> dict[str, Atom]:
        """The atoms of unfinished groups by the ids of their jobs."""
        with self._lock:
            return dict(self._atoms)

    def events(self) -> list[Seen]:
        """What has happened since it looks, the newest first."""
        with self._lock:
            return list(reversed(self._events))

    def pause(self) -> Pause | None:
        """Why nothing is claimed, None where it is."""
        found = self.get(keys.steering(keys.WHOLE_SERVICE))
        if found is None:
            return None
        try:
            return Pause.decode(found.key, found.value)
        except DocumentInvalid as error:
            # conductors take it for a pause as well
            return Pause(by="somebody", at=0.0, reason=error.message)

    def _holds_up(self, name: str) -> bool:
        row = self._rows.get(name)
        return row is not None and row.record.state.value != "SUCCESS"

    def _changed(self, changed: Sequence[str]) -> None:
        with self._lock:
            touched: dict[str, None] = {}
            for key in changed:
                self._tell(key)
                name = self._group_of(key)
                if name:
                    touched[name] = None
            for name in touched:
                self._take_in(name)
            if self._told_after is None and self.is_synced:
                self._told_after = self._cache.revision
        self._on_change()

    def _tell(self, key: str) -> None:
        """Note what the change of a key says has happened; nothing of what was there before us."""
        found = self._cache.get(key)
        if found is None:
            event = Event(key, None, self.revision)
        else:
            self._revision = max(self._revision, found.mod_revision)
            event = Event(key, found.value, found.mod_revision)
        told = list(self._stream.happened(event))
        if self._told_after is not None and event.mod_revision >= self._told_after:
            now = self._clock()
            self._events.extend(Seen(now, happening) for happening in told)

    def _group_of(self, key: str) -> str:
        for root in (keys.GROUPS, keys.CLAIMS, keys.STEERING):
            if key.startswith(root):
                return key.removeprefix(root)
        if key.startswith(keys.PERSISTENCE) and "/atoms/" in key:
            return self._note_atom(key)
        return ""

    def _note_atom(self, key: str) -> str:
        found = self._cache.get(key)
        atom = Atom.read(found.value, self._clock()) if found is not None else None
        if atom is None:
            self._atoms.pop(self._of_key.pop(key, ""), None)
            return ""
        self._of_key[key] = atom.name
        self._atoms[atom.name] = atom.after(self._atoms.get(atom.name))
        return group_of(atom.name) if is_job_id(atom.name) else ""

    def _take_in(self, name: str) -> None:
        found = self._cache.get(keys.group(name))
        before = self._rows.pop(name, None)
        if before is not None and found is None:
            self._newest.pop(before.record.resource, None)
        if found is None:
            return
        try:
            record = GroupRecord.decode(found.key, found.value)
        except DocumentInvalid as error:
            LOG.warning("group cannot be shown", extra={"group": name, "reason": error.reason})
            return
        self._rows[name] = make_row(
            record, self._atoms, holder=self._holder(name), steering=self._steering(name)
        )
        newest = self._rows.get(self._newest.get(record.resource, ""))
        if newest is None or newest.record.version <= record.version:
            self._newest[record.resource] = name

    def _holder(self, name: str) -> str:
        found = self._cache.get(keys.claim(name))
        return holder_of(found) if found is not None else ""

    def _steering(self, name: str) -> Steering | None:
        found = self._cache.get(keys.steering(name))
        try:
            return Steering.decode(found.key, found.value) if found is not None else None
        except DocumentInvalid:
            return None  # conductors report it


def holder_of(claim: KeyValue) -> str:
    """Who has a claim, as its document says; ``somebody`` where it cannot be read."""
    try:
        return str(codec.loads_object(claim.key, claim.value).get("holder") or "somebody")
    except DocumentInvalid:
        return "somebody"
