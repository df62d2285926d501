"""What all flows of a process share while its lease lives."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from esi_flows.engine.commit import Committer
from esi_flows.engine.loop import FlowLoop
from esi_flows.engine.persistence import ensure_groups_book
from esi_flows.store.base import Store


class FlowHost:
    """One thread that steps engines, one that commits, and a few for the handlers' steps."""

    def __init__(
        self,
        store: Store,
        name: str,
        *,
        lease: int = 0,
        threads: int = 8,
        may_run: Callable[[], bool] = lambda: True,
    ) -> None:
        """``name`` must be unique to this start of this process; ``may_run`` whether the lease that
        the claims hang on can still be relied on.
        """
        self.store = store
        self.lease = lease
        self.may_run = may_run
        self.loop = FlowLoop()
        self.committer = Committer(store, name, lease=lease, may_wait=may_run)
        self.pool = ThreadPoolExecutor(threads, "step")

    def start(self) -> None:
        """Begin. Raises StoreError."""
        ensure_groups_book(self.store)
        self.committer.start()
        self.loop.start()

    def stop(self) -> None:
        """End; no flow may be running any more."""
        self.loop.stop()
        self.committer.stop()
        self.pool.shutdown(wait=False, cancel_futures=True)
