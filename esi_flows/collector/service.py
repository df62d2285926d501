"""The collector: polls targets in turn; one of several holds the role."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from esi_flows.collector import statuses
from esi_flows.collector.probe import ProbeFailed
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, StoreError
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target
from esi_flows.store.base import Delete, Op, Put, Store
from esi_flows.store.claims import Claim, take_claim
from esi_flows.store.lease import KeptLease
from esi_flows.store.reflector import Reflector

LOG = logging.getLogger(__name__)

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
        self._cache = Reflector(
            store, (keys.TARGETS, keys.MONITORING, keys.CLAIMS), self._target_changed
        )
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._role: Claim | None = None
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

    def _take_lease(self) -> None:
        self._role = None
        self._lease = KeptLease(self._store, self._lease_seconds, on_lost=self._wake.set)
        self._lease.start()

    def _target_changed(self, changed: Sequence[str]) -> None:
        paths = {parsed[0] for key in changed if (parsed := keys.parse_target(key)) is not None}
        roles = keys.claim(keys.COLLECTOR_ROLE) in changed
        if paths or roles:
            self._changed |= paths
            self._wake.set()

    def _collect(self) -> None:
        while not self._cache.wait_synced(RETRY_SECONDS):
            if self._stopping.is_set():
                return
        next_round = 0.0
        with ThreadPoolExecutor(PROBES_AT_ONCE, "probe") as pool:
            while not self._stopping.is_set():
                self._wake.clear()
                changed, self._changed = self._changed, set()
                try:
                    if self._lease.lost.is_set():
                        self._take_lease()
                    if self._has_role():
                        now = time.monotonic()
                        if now >= next_round:
                            changed, next_round = self._known(), now + self._interval
                        self._look(changed, pool)
                except StoreError as error:
                    LOG.warning("etcd does not answer, trying again", extra={"error": str(error)})
                    self._changed |= changed
                    self._stopping.wait(RETRY_SECONDS)
                self._wake.wait(max(0.0, next_round - time.monotonic()) or None)

    def _has_role(self) -> bool:
        key = keys.claim(keys.COLLECTOR_ROLE)
        if self._role is None and self._cache.get(key) is None:
            self._role = take_claim(
                self._store, keys.COLLECTOR_ROLE, holder=self._name, lease=self._lease.id
            )
        return self._role is not None

    def _known(self) -> set[ResourcePath]:
        """Every resource that has targets, or still has a status."""
        targets = {keys.parse_target(item.key) for item in self._cache.items(keys.TARGETS)}
        paths = {parsed[0] for parsed in targets if parsed is not None}
        for item in self._cache.items(keys.MONITORING):
            path = keys.parse_resource(item.key, keys.MONITORING)
            if path is not None:
                paths.add(path)
        return paths

    def _look(self, paths: set[ResourcePath], pool: ThreadPoolExecutor) -> None:
        ordered = sorted(paths)
        for path, seen in zip(ordered, pool.map(self._document, ordered), strict=True):
            key = keys.monitoring(path)
            known = self._cache.get(key)
            if seen is None:
                if known is not None and not self._targets(path):
                    self._write(Delete(key))
            elif known is None or known.value != seen:
                self._write(Put(key, seen))

    def _document(self, path: ResourcePath) -> bytes | None:
        targets = self._targets(path)
        seen = {}
        for name, target in targets.items():
            try:
                seen[name] = self._probe.status(target)
            except ProbeFailed as error:
                LOG.warning("no status", extra={"resource": str(path), "error": str(error)})
        return statuses.document(targets, seen)

    def _targets(self, path: ResourcePath) -> dict[str, Target]:
        found = {}
        for item in self._cache.items(keys.targets(path)):
            try:
                target = Target.decode(item.key, item.value)
            except DocumentInvalid as error:
                LOG.error("target cannot be read", extra={"key": item.key, "reason": error.reason})
                continue
            if statuses.is_watched(target):
                found[target.name] = target
        return found

    def _write(self, op: Op) -> None:
        assert self._role is not None
        if not self._store.txn([self._role.fence], [op]).succeeded:
            LOG.warning("role lost, status not written", extra={"collector": self._name})
            self._role = None
