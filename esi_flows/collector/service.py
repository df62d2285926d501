"""The collector: polls targets in turn; one of several holds the role."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence

from esi_flows.collector import statuses
from esi_flows.collector.drivers import Status
from esi_flows.collector.prober import Probe, Prober, Watched
from esi_flows.model import codec, keys
from esi_flows.model.errors import ClaimLost, DocumentInvalid, StoreError
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target
from esi_flows.model.vitals import Vitals
from esi_flows.store.base import Compare, Delete, KeyValue, Op, Put, Store, unchanged
from esi_flows.store.claims import Claim, hold_role
from esi_flows.store.lease import KeptLease
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import observe

LOG = logging.getLogger(__name__)

_WATCHED = (keys.TARGETS, keys.MONITORING, keys.REPORTED, keys.CLAIMS)

RETRY_SECONDS = 0.5
PROBES_AT_ONCE = 200
"""A probe that waits costs a socket and no thread."""


_MOST_COMPARED = 100
"""Targets of one resource that a write is compared with; etcd takes 128 operations."""


class Collector:
    """Keeps ``/monitoring`` true to what the probe sees of the recorded targets."""

    def __init__(
        self,
        store: Store,
        probe: Probe,
        *,
        name: str,
        interval_seconds: float,
        lease_seconds: int = 5,
    ) -> None:
        """``name`` must be unique to this start; ``interval_seconds`` between two looks at one
        target, where that does not say it itself.
        """
        self._store = store
        self._name = name
        self._lease_seconds = lease_seconds
        self._changed: set[ResourcePath] = set()
        self._reported: dict[str, int] = {}
        self._changed_lock = threading.Lock()
        self._cache = Reflector(store, _WATCHED, self._target_changed)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._role: Claim | None = None
        self._prober = Prober(
            probe, self._seen, interval_seconds=interval_seconds, at_once=PROBES_AT_ONCE
        )
        self._asked: dict[ResourcePath, set[str]] = {}
        self._busy_since = 0.0
        self._thread = threading.Thread(target=self._collect, name="collector", daemon=True)

    def start(self) -> None:
        """Begin. Raises StoreError when etcd cannot be asked."""
        self._take_lease()
        self._cache.start()
        self._prober.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the write that is under way, and give the role back."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._prober.stop()
        self._cache.stop()
        self._lease.stop()

    def vitals(self) -> Vitals:
        """How it is at the moment; from any thread, once it has been started."""
        since = self._busy_since
        busy = time.monotonic() - since if since else 0.0
        return Vitals(
            is_synced=self._cache.wait_synced(0),
            lease_seconds=self._lease.seconds_left,
            busy_seconds={
                "collector": busy if self._thread.is_alive() else math.inf,
                "probes": 0.0 if self._prober.is_alive else math.inf,
            },
        )

    def _take_lease(self) -> None:
        """Begin under a new lease. Raises StoreError; then nothing has begun."""
        lease = KeptLease(self._store, self._lease_seconds, on_lost=self._wake.set)
        lease.start()
        self._lease = lease

    def _target_changed(self, changed: Sequence[str]) -> None:
        paths = {parsed[0] for key in changed if (parsed := keys.parse_target(key)) is not None}
        roles = keys.claim(keys.COLLECTOR_ROLE) in changed
        if paths or roles:
            self._look_again(paths)

    def _seen(self, path: ResourcePath) -> None:
        self._look_again({path})

    def _look_again(self, paths: set[ResourcePath]) -> None:
        with self._changed_lock:
            self._changed |= paths
        self._wake.set()

    def _take_changed(self) -> set[ResourcePath]:
        with self._changed_lock:
            changed, self._changed = self._changed, set()
        return changed

    def _collect(self) -> None:
        while not self._cache.wait_synced(RETRY_SECONDS):
            if self._stopping.is_set():
                return
        while not self._stopping.is_set():
            self._wake.clear()
            self._busy_since = time.monotonic()
            changed = self._take_changed()
            try:
                self._turn(changed)
            except (StoreError, ClaimLost) as error:
                LOG.warning("statuses not written, trying again", extra={"error": str(error)})
                self._look_again(changed)
                self._stopping.wait(RETRY_SECONDS)
            except Exception:
                LOG.exception("collector thread failed on some resources")
                self._look_again(changed)
                self._stopping.wait(RETRY_SECONDS)
            else:
                self._busy_since = 0.0
                self._wake.wait()

    def _turn(self, changed: set[ResourcePath]) -> None:
        """Watch what is to be watched, and write what has been seen; nothing without the role."""
        if self._lease.lost.is_set():
            self._take_lease()
        role = hold_role(
            self._store,
            self._cache,
            keys.COLLECTOR_ROLE,
            holder=self._name,
            lease=self._lease.id,
        )
        if role != self._role:
            # whoever had it meanwhile has written what we do not know of
            self._prober.clear()
            self._asked.clear()
            changed |= self._known()
        self._role = role
        if role is None:
            return
        for path in sorted(changed):
            self._busy_since = time.monotonic()
            self._look(path, role)

    def _known(self) -> set[ResourcePath]:
        """Every resource that has targets, or still has a status of ours."""
        targets = {keys.parse_target(item.key) for item in self._cache.items(keys.TARGETS)}
        paths = {parsed[0] for parsed in targets if parsed is not None}
        for item in self._cache.items(keys.REPORTED):
            path = keys.parse_resource(item.key, keys.REPORTED)
            if path is not None:
                paths.add(path)
        return paths

    def _look(self, path: ResourcePath, role: Claim) -> None:
        targets = self._targets(path)
        self._ask(path, targets)
        known = self._cache.get(keys.monitoring(path))
        ours = self._cache.get(keys.reported(path)) is not None
        seen = self._document(path, targets)
        if seen is not None:
            if known is None or known.value != seen or not ours:
                report = Put(keys.monitoring(path), seen)
                asked = [unchanged(watched.key, watched.revision) for watched in targets]
                ops = [report, Put(keys.reported(path), b"{}")]
                self._write(path, ops, known, [role.fence, *asked[:_MOST_COMPARED]])
        elif ours and not targets:
            # only what we wrote: others may tell of resources that we do not watch
            gone = [Delete(keys.monitoring(path)), Delete(keys.reported(path))]
            self._write(path, gone, known, [role.fence])

    def _ask(self, path: ResourcePath, targets: Sequence[Watched]) -> None:
        """See to it that exactly these targets of the resource are asked."""
        now = {watched.key for watched in targets}
        for key in self._asked.pop(path, set()) - now:
            self._prober.forget(key)
        for watched in targets:
            self._prober.watch(watched)
        if now:
            self._asked[path] = now

    def _document(self, path: ResourcePath, targets: Sequence[Watched]) -> bytes | None:
        """What is known of a resource; None where that is nothing, or not all has been asked."""
        answers = [(watched.target, self._prober.seen(watched)) for watched in targets]
        if any(answer is None for _, answer in answers):
            return None
        by_name = {target.name: target for target, _ in answers}
        seen: dict[str, Status] = {
            target.name: answer.status
            for target, answer in answers
            if answer is not None and answer.status is not None
        }
        if seen:
            # one that does not answer is no reason to forget what is known of it
            seen = {**self._recorded(path, statuses.version(by_name)), **seen}
        return statuses.document(by_name, seen)

    def _recorded(self, path: ResourcePath, version: int) -> dict[str, Status]:
        """The statuses that are stored now, if they are of this version."""
        found = self._cache.get(keys.monitoring(path))
        if found is None:
            return {}
        try:
            document = codec.loads_object(found.key, found.value)
        except DocumentInvalid:
            return {}  # it is about to be written anew
        if document.get("version") != version:
            return {}
        return {name: seen for name, seen in document.items() if isinstance(seen, str | dict)}

    def _targets(self, path: ResourcePath) -> list[Watched]:
        found = []
        for item in self._cache.items(keys.targets(path)):
            try:
                target = Target.decode(item.key, item.value)
            except DocumentInvalid as error:
                self._report(item, error)
                continue
            if statuses.is_watched(target):
                found.append(Watched(item.key, item.mod_revision, path, target))
        return found

    def _report(self, item: KeyValue, error: DocumentInvalid) -> None:
        """Tell of a target that cannot be read: once, not in every round."""
        if self._reported.get(item.key) != item.mod_revision:
            self._reported[item.key] = item.mod_revision
            LOG.error("target cannot be read", extra={"key": item.key, "reason": error.reason})

    def _write(
        self,
        path: ResourcePath,
        ops: Sequence[Op],
        known: KeyValue | None,
        compares: Sequence[Compare],
    ) -> None:
        """Write if the role is ours, and targets and status are still those that were compared.

        Raises ClaimLost, StoreError.
        """
        key = keys.monitoring(path)
        revision = known.mod_revision if known is not None else 0
        answer = self._store.txn([*compares, unchanged(key, revision)], ops)
        if not answer.succeeded:
            raise ClaimLost(f"{key}: the role, a target or the status has changed meanwhile")
        observe(self._cache, ops, answer.revision)
