"""The collector: polls targets in turn; one of several holds the role."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from esi_flows.collector import statuses
from esi_flows.collector.probe import ProbeFailed
from esi_flows.model import codec, keys
from esi_flows.model.errors import ClaimLost, DocumentInvalid, StoreError
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target
from esi_flows.model.vitals import Vitals
from esi_flows.store.base import Delete, KeyValue, Op, Put, Store, unchanged
from esi_flows.store.claims import Claim, hold_role
from esi_flows.store.lease import KeptLease
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import observe

LOG = logging.getLogger(__name__)

_WATCHED = (keys.TARGETS, keys.MONITORING, keys.REPORTED, keys.CLAIMS)

RETRY_SECONDS = 0.5
PROBES_AT_ONCE = 8
"""Each spends its time waiting for an answer."""


class Probe(Protocol):
    """Tells the status of a target."""

    def status(self, target: Target) -> str:
        """The status. Raises ProbeFailed."""


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
        """``name`` must be unique to this start; ``interval_seconds`` between two polls."""
        self._store = store
        self._probe = probe
        self._name = name
        self._interval = interval_seconds
        self._lease_seconds = lease_seconds
        self._changed: set[ResourcePath] = set()
        self._reported: dict[str, int] = {}
        self._changed_lock = threading.Lock()
        self._cache = Reflector(store, _WATCHED, self._target_changed)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._role: Claim | None = None
        self._next_round = 0.0
        self._busy_since = 0.0
        self._thread = threading.Thread(target=self._collect, name="collector", daemon=True)

    def start(self) -> None:
        """Begin. Raises StoreError when etcd cannot be asked."""
        self._take_lease()
        self._cache.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the poll that is under way, and give the role back."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._cache.stop()
        self._lease.stop()

    def vitals(self) -> Vitals:
        """How it is at the moment; from any thread, once it has been started."""
        since = self._busy_since
        busy = time.monotonic() - since if since else 0.0
        return Vitals(
            is_synced=self._cache.wait_synced(0),
            lease_seconds=self._lease.seconds_left,
            busy_seconds={"collector": busy if self._thread.is_alive() else math.inf},
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
        with ThreadPoolExecutor(PROBES_AT_ONCE, "probe") as pool:
            while not self._stopping.is_set():
                self._wake.clear()
                self._busy_since = time.monotonic()
                changed = self._take_changed()
                try:
                    pause = self._poll(changed, pool)
                except (StoreError, ClaimLost) as error:
                    LOG.warning("statuses not written, trying again", extra={"error": str(error)})
                    self._look_again(changed)
                    self._stopping.wait(RETRY_SECONDS)
                except Exception:
                    LOG.exception("collector thread failed on some resources")
                    self._stopping.wait(RETRY_SECONDS)
                else:
                    self._busy_since = 0.0
                    self._wake.wait(pause)

    def _poll(self, changed: set[ResourcePath], pool: ThreadPoolExecutor) -> float | None:
        """Look at what has changed, or at everything where its time has come.

        The seconds until that is the next time, None while another has the role.
        """
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
            self._role, self._next_round = role, 0.0
        if role is None:
            return None
        started = time.monotonic()
        if started < self._next_round:
            self._look(changed, role, pool)
        else:
            self._look(self._known(), role, pool)
            self._next_round = started + self._interval
        return max(0.0, self._next_round - time.monotonic())

    def _known(self) -> set[ResourcePath]:
        """Every resource that has targets, or still has a status of ours."""
        targets = {keys.parse_target(item.key) for item in self._cache.items(keys.TARGETS)}
        paths = {parsed[0] for parsed in targets if parsed is not None}
        for item in self._cache.items(keys.REPORTED):
            path = keys.parse_resource(item.key, keys.REPORTED)
            if path is not None:
                paths.add(path)
        return paths

    def _look(self, paths: set[ResourcePath], role: Claim, pool: ThreadPoolExecutor) -> None:
        ordered = sorted(paths)
        for path, seen in zip(ordered, pool.map(self._document, ordered), strict=True):
            self._busy_since = time.monotonic()  # many that do not answer take their time
            known = self._cache.get(keys.monitoring(path))
            ours = self._cache.get(keys.reported(path)) is not None
            if seen is not None:
                if known is None or known.value != seen or not ours:
                    report = Put(keys.monitoring(path), seen)
                    self._write(path, [report, Put(keys.reported(path), b"{}")], known, role)
            elif ours and not self._targets(path):
                # only what we wrote: others may tell of resources that we do not watch
                gone = [Delete(keys.monitoring(path)), Delete(keys.reported(path))]
                self._write(path, gone, known, role)

    def _document(self, path: ResourcePath) -> bytes | None:
        targets = self._targets(path)
        seen = {}
        for name, target in targets.items():
            try:
                seen[name] = self._probe.status(target)
            except ProbeFailed as error:
                LOG.warning("no status", extra={"resource": str(path), "error": str(error)})
        if seen:
            # one that does not answer is no reason to forget what is known of it
            seen = {**self._recorded(path), **seen}
        return statuses.document(targets, seen)

    def _recorded(self, path: ResourcePath) -> dict[str, str]:
        """The statuses that are stored now."""
        found = self._cache.get(keys.monitoring(path))
        if found is None:
            return {}
        try:
            document = codec.loads_object(found.key, found.value)
        except DocumentInvalid:
            return {}  # it is about to be written anew
        return {name: status for name, status in document.items() if isinstance(status, str)}

    def _targets(self, path: ResourcePath) -> dict[str, Target]:
        found = {}
        for item in self._cache.items(keys.targets(path)):
            try:
                target = Target.decode(item.key, item.value)
            except DocumentInvalid as error:
                self._report(item, error)
                continue
            if statuses.is_watched(target):
                found[target.name] = target
        return found

    def _report(self, item: KeyValue, error: DocumentInvalid) -> None:
        """Tell of a target that cannot be read: once, not in every round."""
        if self._reported.get(item.key) != item.mod_revision:
            self._reported[item.key] = item.mod_revision
            LOG.error("target cannot be read", extra={"key": item.key, "reason": error.reason})

    def _write(
        self, path: ResourcePath, ops: Sequence[Op], known: KeyValue | None, role: Claim
    ) -> None:
        """Write if the role is ours and the status still the one that was compared.

        Raises ClaimLost, StoreError.
        """
        key = keys.monitoring(path)
        revision = known.mod_revision if known is not None else 0
        answer = self._store.txn([role.fence, unchanged(key, revision)], ops)
        if not answer.succeeded:
            raise ClaimLost(f"{key}: the role, or the status that was compared, is not ours now")
        observe(self._cache, ops, answer.revision)
