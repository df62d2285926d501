"""Ends groups that will never run, because what they wait for has failed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from esi_flows.catalog.types import Catalog
from esi_flows.conductor import endings
from esi_flows.conductor.admission import Admission
from esi_flows.conductor.records import unfinished
from esi_flows.model import keys
from esi_flows.store.base import Store, absent, unchanged
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import observe

LOG = logging.getLogger(__name__)


class Cancelling:
    """One conductor's part in it; any of them may be faster. Not thread-safe."""

    def __init__(
        self,
        store: Store,
        cache: Reflector,
        admission: Admission,
        *,
        catalog: Callable[[], Catalog],
    ) -> None:
        """``cache`` must follow groups."""
        self._store = store
        self._cache = cache
        self._admission = admission
        self._catalog = catalog

    def cancel_doomed(self) -> None:
        """Cancel what waits for a failure, and what waits for that, to the end.

        Raises StoreError.
        """
        while doomed := self._admission.doomed():
            cancelled = [self._cancel(name, failed_job) for name, failed_job in doomed]
            if not any(cancelled):
                return

    def _cancel(self, name: str, failed_job: str) -> bool:
        """Whether the group was cancelled; else it has changed, and the watch brings that."""
        current = unfinished(self._cache, name)
        if current is None:
            return False
        record, mod_revision = current
        final, ops = endings.cancelled(record, failed_job, catalog=self._catalog(), now=time.time())
        answer = self._store.txn(
            [unchanged(keys.group(name), mod_revision), absent(keys.claim(name))], ops
        )
        if answer.succeeded:
            LOG.warning("group cancelled", extra={"group": name, "by": failed_job})
            self._admission.update(final)
            observe(self._cache, ops, answer.revision)
        return answer.succeeded
