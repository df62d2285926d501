"""Runs errands on a worker: a step only while the claim stands and nobody has revoked it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.conductor.recorded import RecordedInStore
from esi_flows.engine import outcomes
from esi_flows.handlers.base import Handler, Outcome, Run, Steps
from esi_flows.model import keys
from esi_flows.model.errors import EsiFlowsError, StoreUnavailable, Suspended
from esi_flows.store.base import ReadStore
from esi_flows.worker.errand import Answer, Errand
from esi_flows.worker.remote import BEAT

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


class Bench:
    """What a worker is at. Killed at any point, its conductor hears no more and sends it again."""

    def __init__(
        self,
        store: ReadStore,
        catalog: Catalog,
        handlers: Mapping[str, Handler],
        *,
        beat_seconds: float = 5.0,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._handlers = handlers
        self._beat_seconds = beat_seconds
        self._runs: dict[str, _ErrandRun] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._beats = threading.Thread(target=self._beat, name="beats", daemon=True)

    def start(self) -> None:
        """Begin to tell conductors of what it is at."""
        self._beats.start()

    def stop(self) -> None:
        """Stop everything at its next safe point; conductors send it to others."""
        self._stopping.set()
        with self._lock:
            runs = tuple(self._runs.values())
        for run in runs:
            run.stop("the worker is stopping")
        self._beats.join(self._beat_seconds)

    def __len__(self) -> int:
        with self._lock:
            return len(self._runs)

    def do(
        self,
        task: Any,
        errand_id: str,
        document: Mapping[str, Any],
        done: tuple[Any] | None = None,
    ) -> dict[str, Any]:
        """Run one errand in this thread, to its answer."""
        try:
            errand = Errand.from_json(document)
            run = _ErrandRun(self._store, errand_id, errand, task)
            with self._lock:
                self._runs[errand_id] = run
            if self._stopping.is_set():
                run.stop("the worker is stopping")
            return Answer(run.drive(self._steps(errand, done))).to_json()
        except Suspended as error:
            LOG.info("errand stopped", extra={"errand": errand_id, "why": error.message})
            return Answer(stopped=error.message).to_json()
        except EsiFlowsError as error:
            return Answer(error=str(error)).to_json()
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
            # its text may repeat secrets: the conductor masks them, the log here has the kind
            LOG.error("handler failed", extra={"kind": type(error).__name__})
            return Answer(error=f"{type(error).__name__}: {error}").to_json()
        finally:
            with self._lock:
                self._runs.pop(errand_id, None)

    def _steps(self, errand: Errand, done: tuple[Any] | None) -> Steps:
        handler = self._handlers.get(errand.job.handler)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise EsiFlowsError(
                f"the worker has no handler {errand.job.handler!r}, it has {known}",
                hint="compare [workers] handlers with what is installed on the worker",
            )
        catalog = self._catalog
        if errand.template is not None:
            catalog = catalog.overlaid([errand.template])
        run = Run(catalog, RecordedInStore(self._store, catalog), recovering=errand.recovering)
        if done is None:
            return handler.execute(errand.job, run)
        return handler.revert(errand.job, run, outcomes.from_result(done[0]))

    def _beat(self) -> None:
        while not self._stopping.wait(self._beat_seconds):
            with self._lock:
                runs = tuple(self._runs.values())
            for run in runs:
                run.look()


class _ErrandRun:
    def __init__(self, store: ReadStore, errand_id: str, errand: Errand, task: Any) -> None:
        self._store = store
        self._id = errand_id
        self._claim = errand.claim
        self._task = task
        self._stopped: Future[str] = Future()
        self._lock = threading.Lock()

    def drive(self, steps: Steps) -> Outcome:
        """Make every step, asking before each. Raises Suspended, and what the handler does."""
        self._task.notifier.notify(BEAT, {})
        answer, error = None, None
        try:
            while True:
                self._require_wanted()
                try:
                    awaited = steps.throw(error) if error is not None else steps.send(answer)
                except StopIteration as end:
                    outcome: Outcome = end.value
                    return outcome
                wait([awaited, self._stopped], return_when=FIRST_COMPLETED)
                if self._stopped.done():
                    awaited.cancel()
                    raise Suspended(self._stopped.result())
                answer, error = None, awaited.exception()
                if error is None:
                    answer = awaited.result()
        finally:
            steps.close()

    def stop(self, why: str) -> None:
        """Make no further step; from any thread."""
        with self._lock:
            if not self._stopped.done():
                self._stopped.set_result(why)

    def look(self) -> None:
        """Tell that it is at it, or stop it where it is not wanted any more."""
        try:
            why = self._unwanted()
        except StoreUnavailable:
            why = ""  # asked again before the next step
        if why:
            self.stop(why)
        else:
            self._task.notifier.notify(BEAT, {})

    def _require_wanted(self) -> None:
        """Wait until etcd tells. Raises Suspended where the errand is not wanted any more."""
        while not self._stopped.done():
            try:
                why = self._unwanted()
            except StoreUnavailable:
                wait([self._stopped], timeout=RETRY_SECONDS)
                continue
            if not why:
                return
            raise Suspended(why)
        raise Suspended(self._stopped.result())

    def _unwanted(self) -> str:
        claim = self._store.get(self._claim.key)
        if claim is None or claim.create_revision != self._claim.revision:
            return "the conductor's claim is gone"
        # read after the claim: a revocation goes no earlier than the claim does
        return "revoked" if self._store.get(keys.revoked(self._id)) is not None else ""
