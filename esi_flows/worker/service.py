"""The worker's process: TaskFlow's worker in a thread, its jobs in others."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.handlers.base import Handler
from esi_flows.model.vitals import Vitals
from esi_flows.store.base import ReadStore
from esi_flows.worker.bench import Bench
from esi_flows.worker.wire import ErrandWorker

LOG = logging.getLogger(__name__)


class _Slots(ThreadPoolExecutor):
    """Holds up who brings more than there are threads for: the rest is for other workers."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads, "errand")
        self._free = threading.Semaphore(threads)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._free.acquire()
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(lambda _: self._free.release())
        return future


class WorkerService:
    """Takes errands of one topic until it is stopped."""

    def __init__(
        self,
        store: ReadStore,
        catalog: Catalog,
        handlers: Mapping[str, Handler],
        *,
        url: str,
        topic: str,
        jobs: int = 64,
        beat_seconds: float = 5.0,
    ) -> None:
        self._pool = _Slots(jobs)
        self._bench = Bench(store, catalog, handlers, beat_seconds=beat_seconds)
        self._worker = ErrandWorker(topic, url=url, pool=self._pool, do=self._bench.do)
        self._thread = threading.Thread(target=self._worker.run, name="worker", daemon=True)
        self._topic = topic

    def start(self) -> None:
        """Begin; the broker need not be there yet."""
        self._bench.start()
        self._thread.start()
        LOG.info("worker started", extra={"topic": self._topic})

    def stop(self) -> None:
        """Take nothing more, stop what runs at its next safe point, and tell who waits for it."""
        self._worker.stop()
        self._bench.stop()
        self._pool.shutdown(wait=True)
        self._thread.join()

    def vitals(self) -> Vitals:
        """How it is; it has no lease, and is ready while it listens to its broker."""
        return Vitals(
            is_synced=self._worker.is_connected,
            lease_seconds=math.inf,
            busy_seconds={"worker": 0.0 if self._thread.is_alive() else math.inf},
        )
