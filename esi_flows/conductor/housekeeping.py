"""What the reader clears away at leisure: old courses, and records that nobody asks for."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from esi_flows.catalog.types import Catalog
from esi_flows.history.retention import Keep, outdated, prune
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, EsiFlowsError, StoreError
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import group_of
from esi_flows.store.base import Delete, KeyValue, Store, unchanged
from esi_flows.store.claims import Claim
from esi_flows.store.reflector import Reflector

LOG = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05
"""Between two steps, so that removing much holds up nobody."""

QUIET_SECONDS = 60.0
"""How long a record stays at least after its group's end: somebody may be following it."""


class Housekeeper:
    """A thread that now and then removes what is outdated, while the reader's role is ours.

    Killed at any point, it has removed some of it; the next reader removes the rest.
    """

    def __init__(
        self,
        store: Store,
        cache: Reflector,
        *,
        keep: Keep,
        interval_seconds: float,
        catalog: Callable[[], Catalog],
        role: Callable[[], Claim | None],
    ) -> None:
        """``cache`` must follow groups, intents and memos; ``role`` is the claim of the reader's
        role, None while another has it.
        """
        self._store = store
        self._cache = cache
        self._keep = keep
        self._interval = interval_seconds
        self._catalog = catalog
        self._role = role
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Begin; the first look is an interval away."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping.set()
        self._thread.join()

    def look(self) -> None:
        """Remove what is outdated now, if the role is ours. Raises StoreError."""
        claim = self._role()
        if claim is None:
            return
        removed = prune(
            self._store,
            outdated(self._store, self._keep, time.time()),
            fence=[claim.fence],
            pause_seconds=PAUSE_SECONDS,
            may_go_on=lambda: self._role() == claim and not self._stopping.is_set(),
        )
        forgotten = self._forget_records(claim)
        if removed or forgotten:
            LOG.info("history cleared", extra={"courses": removed, "records": forgotten})

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self.look()
            except StoreError as error:
                LOG.warning("history not cleared", extra={"error": error.message})
            except Exception:
                LOG.exception("history not cleared, a defect")

    def _forget_records(self, claim: Claim) -> int:
        count = 0
        for item in self._unneeded(time.time()):
            if self._role() != claim or self._stopping.wait(PAUSE_SECONDS / 10):
                break
            held = [claim.fence, unchanged(item.key, item.mod_revision)]
            count += self._store.txn(held, [Delete(item.key)]).succeeded
        return count

    def _unneeded(self, now: float) -> Iterator[KeyValue]:
        """Records of groups that ended a while ago and are not the last of their resource, or whose
        resource is gone; but none that another group waits for: it still has to hear how that went.
        """
        ended: defaultdict[str, list[tuple[GroupRecord, KeyValue]]] = defaultdict(list)
        awaited: set[str] = set()
        for item in self._cache.items(keys.GROUPS):
            try:
                record = GroupRecord.decode(item.key, item.value)
            except DocumentInvalid:
                continue  # reported when it was taken in; somebody has to look at it
            if record.state.ended:
                ended[str(record.resource)].append((record, item))
            else:
                awaited |= {group_of(job_id) for job_id in record.waits_for}
        for records in ended.values():
            records.sort(key=lambda pair: pair[0].version)
            last = records[-1][0]
            for record, item in records:
                needed = record is last and self._exists(record)
                is_old = record.ended_at < now - QUIET_SECONDS
                if is_old and not needed and record.name not in awaited:
                    yield item

    def _exists(self, record: GroupRecord) -> bool:
        try:
            path = self._catalog().path(record.resource)
        except EsiFlowsError:
            return True  # of a type that is not known now, and may be again
        return any(self._cache.get(key(path)) is not None for key in (keys.config, keys.memo))
