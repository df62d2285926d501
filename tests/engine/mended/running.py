"""Running a plan on one engine or another, and all that can be seen of it."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from taskflow import states, storage, task
from taskflow.engines.action_engine import engine, executor, runtime
from taskflow.persistence import models
from taskflow.persistence.backends import impl_memory

from esi_flows.engine.mended.action import DirectAction
from esi_flows.engine.mended.compiler import FlatCompiler
from esi_flows.engine.mended.completer import FlatCompleter
from esi_flows.engine.mended.engine import DurableEngine
from esi_flows.engine.mended.runtime import WaitingRuntime
from esi_flows.engine.mended.scheduler import DirectScheduler
from esi_flows.engine.mended.selector import DirectSelector
from esi_flows.engine.mended.storage import PlainStorage
from esi_flows.model.errors import ClaimLost
from tests.engine.mended.plans import Event, Plan, make

FLOW = "7d1d4fd5-93cb-4f0e-a3b4-5f2f3c9a7f10"


class _TaskFuture(Future[Any]):
    """A future that knows its task, as those of TaskFlow's executors do."""

    def __init__(self, atom: Any) -> None:
        super().__init__()
        self.atom = atom


class ScriptedExecutor(executor.TaskExecutor):  # type: ignore[misc]  # TaskFlow is untyped
    """Ends tasks in an order that is the same for every engine, in the thread that waits.

    Per wait one of the scheduled tasks, by name, as ``picks`` says in turn; with ``batches`` as
    many as it says, at least one.
    """

    def __init__(self, picks: tuple[int, ...], *, batches: bool = False) -> None:
        self._picks = itertools.cycle(picks)
        self._batches = batches
        self.fails_at_wait: int | None = None
        self._scheduled: dict[str, tuple[Future[Any], Callable[[], Any]]] = {}
        self.waits = 0

    def execute_task(self, task: Any, task_uuid: str, *given: Any, **named: Any) -> Future[Any]:
        return self._schedule(
            task, functools.partial(executor._execute_task, task, *given, **named)
        )

    def revert_task(self, task: Any, task_uuid: str, *given: Any, **named: Any) -> Future[Any]:
        return self._schedule(task, functools.partial(executor._revert_task, task, *given, **named))

    def wait(self, futures: set[Future[Any]], timeout: float | None = None) -> Any:
        if self.waits == self.fails_at_wait:
            raise ClaimLost("somebody else has it")
        self.waits += 1
        done = {future for future in futures if future.done()}
        waiting = {n: s for n, s in sorted(self._scheduled.items()) if not s[0].cancelled()}
        self._scheduled = waiting
        if not done:
            for name in self._chosen(list(waiting)):
                future, call = waiting.pop(name)
                future.set_result(call())
                done.add(future)
        return done, futures - done

    def _chosen(self, names: list[str]) -> list[str]:
        pick = next(self._picks)
        if self._batches:
            return names[: 1 + pick]
        return [names[pick % len(names)]]

    def _schedule(self, task: Any, call: Callable[[], Any]) -> Future[Any]:
        future = _TaskFuture(task)
        self._scheduled[task.name] = (future, call)
        return future


class PartlyMended(engine.ActionEngine):  # type: ignore[misc]  # TaskFlow is untyped
    """TaskFlow's engine with some of its classes mended; with none it is the stock one."""

    mended: frozenset[str] = frozenset()

    def __init__(self, flow: Any, flow_detail: Any, backend: Any, options: Any) -> None:
        super().__init__(flow, flow_detail, backend, options)
        self._task_executor = options["executor"]
        if self.mended & {"compiler", "selector"}:
            self._compiler = FlatCompiler(flow)

    @functools.cached_property
    def storage(self) -> Any:
        kind = PlainStorage if self.mended & {"storage", "action"} else storage.Storage
        return kind(
            self._flow_detail,
            backend=self._backend,
            scope_fetcher=lambda name: self._runtime.fetch_scopes_for(name),
        )

    def compile(self) -> None:
        if self._compiled:
            return
        self._compilation = self._check_compilation(self._compiler.compile())
        self._runtime = _PartlyMendedRuntime(
            self._compilation,
            self.storage,
            self.atom_notifier,
            self._task_executor,
            self._retry_executor,
            options=self._options,
        )
        self._runtime.mended = self.mended
        self._runtime.compile()
        self._compiled = True


class _PartlyMendedRuntime(WaitingRuntime):
    mended: frozenset[str]

    def _pick(self, name: str, kind: Any, stock: Any) -> Any:
        if name in self.mended:
            return kind(self)
        return stock.__get__(self, type(self))

    @functools.cached_property
    def selector(self) -> Any:
        return self._pick("selector", DirectSelector, runtime.Runtime.__dict__["selector"])

    @functools.cached_property
    def scheduler(self) -> Any:
        return self._pick("scheduler", DirectScheduler, runtime.Runtime.__dict__["scheduler"])

    @functools.cached_property
    def completer(self) -> Any:
        return self._pick("completer", FlatCompleter, runtime.Runtime.__dict__["completer"])

    @functools.cached_property
    def task_action(self) -> Any:
        def mended_action(_: Any) -> DirectAction:
            return DirectAction(self._storage, self._atom_notifier, self._task_executor)

        return self._pick("action", mended_action, runtime.Runtime.__dict__["task_action"])


def with_mended(*names: str) -> type[PartlyMended]:
    """TaskFlow's engine with these of its classes mended."""
    return type("Engine", (PartlyMended,), {"mended": frozenset(names)})


STOCK = with_mended()
MENDED = {
    "compiler": with_mended("compiler"),
    "selector": with_mended("selector"),
    "scheduler": with_mended("scheduler"),
    "completer": with_mended("completer"),
    "storage": with_mended("storage"),
    "action": with_mended("action"),
    "all": DurableEngine,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """All that can be seen of a run."""

    log: list[Event]
    yielded: list[str]
    flow_state: str
    atoms: dict[str, tuple[Any, ...]]
    stored: dict[str, tuple[Any, ...]]
    told: dict[str, list[tuple[Any, ...]]]
    error: str


class Trial:
    """One engine on one plan, on a memory backend."""

    def __init__(
        self,
        kind: type[engine.ActionEngine],
        plan: Plan,
        *,
        batches: bool = False,
        detail: models.FlowDetail | None = None,
        backend: Any = None,
    ) -> None:
        made = make(plan)
        self.log = made.log
        self.backend = backend if backend is not None else impl_memory.MemoryBackend({})
        if detail is None:
            detail = models.FlowDetail("flow", FLOW)
        book = models.LogBook("book")
        book.add(detail)
        self.backend.get_connection().save_logbook(book)
        self.executor = ScriptedExecutor(plan.picks, batches=batches)
        options = {"executor": self.executor, "never_resolve": plan.never_resolve}
        self.engine = kind(made.flow, detail, self.backend, options)
        self.told: dict[str, list[tuple[Any, ...]]] = {}
        for member in made.flow:
            member.notifier.register(task.EVENT_UPDATE_PROGRESS, self._on_progress, (member.name,))
        self.engine.notifier.register("*", self._on_flow)
        self.engine.atom_notifier.register("*", self._on_atom)

    def run(self, *, until: int | None = None, suspend: bool = False) -> Seen:
        """Run to the end; killed, or suspended, in the state number ``until``."""
        yielded: list[str] = []
        error = ""
        self._run = self.engine.run_iter()
        send = None
        try:
            while True:
                yielded.append(self._run.send(send))
                reached = until is not None and len(yielded) > until
                if reached and not suspend:
                    break
                send = True if reached and len(yielded) == until + 1 else None
        except StopIteration:
            pass
        except Exception as raised:  # noqa: BLE001 - compared
            error = f"{type(raised).__name__}: {raised}"
        return self.look(yielded, error)

    def look(self, yielded: list[str], error: str) -> Seen:
        """All that can be seen now."""
        stored = self.load()
        return Seen(
            log=list(self.log),
            yielded=yielded,
            flow_state=self.engine.storage.get_flow_state(),
            atoms={atom.name: (*_shown(atom), atom.intention) for atom in self.engine._flow_detail},
            stored={atom.name: _shown(atom) for atom in stored} | {"": (stored.state,)},
            told=self.told,
            error=error,
        )

    def load(self) -> models.FlowDetail:
        """What another process finds."""
        return self.backend.get_connection().get_flow_details(FLOW)

    def kill(self) -> models.FlowDetail:
        """What another process finds if this one is killed now."""
        found = self.load()
        # TaskFlow goes on with a run that is let go of: not before we have looked
        with contextlib.suppress(Exception):
            self._run.close()
        return found

    def _on_flow(self, state: str, details: dict[str, Any]) -> None:
        self.told.setdefault("", []).append((state, details["old_state"]))

    def _on_progress(self, event: str, name: str, details: dict[str, Any]) -> None:
        self.told.setdefault(name, []).append((event, details.get("progress")))

    def _on_atom(self, state: str, details: dict[str, Any]) -> None:
        result = details.get("result", "none")
        shown = result if isinstance(result, int | str | None) else result.exception_str
        told = self.told.setdefault(details["task_name"], [])
        told.append((state, details["old_state"], shown))


class Killed(BaseException):
    """The process ends here."""


class DyingBackend(impl_memory.MemoryBackend):  # type: ignore[misc]  # TaskFlow is untyped
    """TaskFlow's memory backend in a process that is killed before a save."""

    saves_left = -1

    def get_connection(self) -> Any:
        connection = super().get_connection()
        connection.update_atom_details = self._dying(connection.update_atom_details)
        connection.update_flow_details = self._dying(connection.update_flow_details)
        return connection

    def _dying(self, save: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if self.saves_left == 0:
                raise Killed
            self.saves_left -= 1
            return save(*given, **named)

        return call


def _shown(atom: models.AtomDetail) -> tuple[Any, ...]:
    failures = tuple(
        str(found.exception_str) if found is not None else None
        for found in (atom.failure, atom.revert_failure)
    )
    state = atom.state or states.PENDING
    return (state, atom.results, atom.revert_results, *failures, atom.meta, atom.version)
