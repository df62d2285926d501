"""The engine."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from taskflow import flow as tf_flow
from taskflow import states, storage
from taskflow.engines.action_engine import engine
from taskflow.persistence import models
from taskflow.types import failure

from esi_flows.engine.mended.compiler import FlatCompiler, fits
from esi_flows.engine.mended.machine import FlatMachine, StockMachine
from esi_flows.engine.mended.runtime import FlatRuntime, WaitingRuntime
from esi_flows.engine.mended.storage import PlainStorage

ENDED = frozenset((states.SUCCESS, states.REVERTED, states.FAILURE))
"""Flow states after which there is nothing to go on with."""

States = Generator[str, bool | None, None]


class DurableEngine(engine.ActionEngine):  # type: ignore[misc]  # TaskFlow is untyped
    """TaskFlow's action engine on the mended classes, or on its own where they do not fit.

    ``options["executor"]`` is a TaskExecutor that has
    ``wait(futures, timeout=None) -> (done, not done)`` too. ``inject_transient`` and
    ``never_resolve`` are TaskFlow's; ``defer_reverts`` concerns retries.

    A flow that has ended is not run again. Stock TaskFlow executes a REVERTED flow from the start
    and turns a FAILURE into REVERTED without reverting anything; here running it again gives the
    same end again. To have it executed once more, ``prepare()`` and ``reset()``.

    An exception of the executor, of the storage, or thrown into :meth:`run_iter`, leaves the flow
    as it was recorded, to be resumed; stock TaskFlow calls it FAILURE.
    """

    _compiled: bool
    _retry_executor: Any
    _storage_ensured: bool

    def __init__(
        self,
        flow: tf_flow.Flow,
        flow_detail: models.FlowDetail,
        backend: Any,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(flow, flow_detail, backend, options)
        self._task_executor = options["executor"]
        if not fits(flow) and hasattr(options["executor"], "retries"):
            # who waits for this executor must hear of retries that have ended, too
            self._retry_executor = options["executor"].retries
        self._is_flat = fits(flow)
        if self._is_flat:
            self._compiler = FlatCompiler(flow)

    @functools.cached_property
    def storage(self) -> storage.Storage:
        """The state of the flow."""
        kind = PlainStorage if self._is_flat else storage.Storage
        return kind(self._flow_detail, backend=self._backend, scope_fetcher=self._fetch_scopes)

    def compile(self) -> None:
        """Work out what depends on what. Raises taskflow's Duplicate, CompilationFailure."""
        with self._lock:
            if self._compiled:
                return
            self._compilation = self._compiler.compile()
            if not self._is_flat:
                self._check_compilation(self._compilation)
            kind = FlatRuntime if self._is_flat else WaitingRuntime
            self._runtime = kind(
                self._compilation,
                self.storage,
                self.atom_notifier,
                self._task_executor,
                self._retry_executor,
                options=self._options,
            )
            self._runtime.compile()
            self._compiled = True

    def prepare(self) -> None:
        """Make sure that every task has its record."""
        with self._lock:
            if not self._storage_ensured:
                self._change_state(states.RESUMING)
                self._ensure_storage()
                self._change_state(states.SUSPENDED)
                self._storage_ensured = True

    def run_iter(self, timeout: float | None = None) -> States:
        """Run, giving each state before what happens in it; see ActionEngine.run_iter.

        A true value sent in suspends. Closed, it suspends and runs on until the tasks under way
        have ended. An exception thrown in is raised at once.

        Raises what tasks have raised, once the flow has ended as REVERTED or FAILURE.
        """
        flow_state = self.storage.get_flow_state()
        if flow_state in ENDED:
            yield flow_state
            self._reraise(flow_state)
        else:
            self.compile()
            self.prepare()
            self.validate()
            with self._executors():
                self._change_state(states.RUNNING)
                yield from self._step(timeout)

    def _step(self, timeout: float | None) -> States:
        machine = (FlatMachine if self._is_flat else StockMachine)(self._runtime, timeout)
        closed = False
        state: str = states.RESUMING
        for state in machine.run():
            if closed or state == states.FAILURE:
                continue
            try:
                if (yield state):
                    self.suspend()
            except GeneratorExit:
                closed = True
                self.suspend()
        self._change_state(state)
        failure.Failure.reraise_if_any(machine.failures)
        self._reraise(state)

    def _reraise(self, state: str) -> None:
        """Raise what tasks have raised, where the flow did not get through."""
        if state not in self.NO_RERAISING_STATES:
            failures = (self.storage.get_execute_failures(), self.storage.get_revert_failures())
            failure.Failure.reraise_if_any(
                itertools.chain.from_iterable(found.values() for found in failures)
            )

    @contextlib.contextmanager
    def _executors(self) -> Iterator[None]:
        self._task_executor.start()
        try:
            if not self._is_flat:
                self._retry_executor.start()
            yield
        finally:
            self._task_executor.stop()
            if not self._is_flat:
                self._retry_executor.stop()

    def _fetch_scopes(self, atom_name: str) -> Any:
        return self._runtime.fetch_scopes_for(atom_name) if self._compiled else None
