"""TaskFlow's traps: each test fails on stock TaskFlow 6.5, as expected, and passes on ours.

What an engine does wrong is shown on TaskFlow's engine and on ours with the same tasks; what a task
may bring about, on TaskFlow's parallel engine with a directory as its store, and on a job group.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tenacity
from futurist import waiters
from taskflow import states, storage, task
from taskflow.engines.action_engine import engine as tf_engine
from taskflow.engines.action_engine import executor
from taskflow.persistence import models
from taskflow.persistence.backends import impl_dir, impl_memory

from esi_flows.catalog.types import Catalog
from esi_flows.engine.host import FlowHost
from esi_flows.engine.mended.engine import DurableEngine
from esi_flows.engine.mended.flow import graph_of
from esi_flows.engine.run import GroupRun
from esi_flows.handlers.base import Outcome, Run, Steps
from esi_flows.model.jobs import Job
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Store
from esi_flows.store.claims import take_claim
from tests.plugins import NothingRecorded, make_job

FLOW = "a8b76b5d-6f0b-4c39-9b7d-0f9f9f3b4a55"


def stock_fails(reason: str) -> Any:
    return pytest.param(
        "stock", marks=pytest.mark.xfail(raises=AssertionError, strict=True, reason=reason)
    )


def nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Work:
    """One task or job: what it does, and what comes before it."""

    name: str
    execute: Callable[[], Any] = nothing
    revert: Callable[[], Any] = nothing
    after: tuple[str, ...] = ()


class WorkTask(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    def __init__(self, work: Work, calls: list[str]) -> None:
        super().__init__(work.name)
        self._work = work
        self._calls = calls

    def execute(self) -> Any:
        self._calls.append(f"execute {self.name}")
        return self._work.execute()

    def revert(self, result: Any, flow_failures: Any) -> Any:
        self._calls.append(f"revert {self.name}")
        return self._work.revert()


class Pooled(executor.ParallelThreadTaskExecutor):  # type: ignore[misc]  # TaskFlow is untyped
    """TaskFlow's executor of threads, which tells how to wait for it."""

    def wait(self, futures: set[Future[Any]], timeout: float | None = None) -> Any:
        return waiters.wait_for_any(futures, timeout=timeout)


class Process:
    """A process that runs a flow: on stock TaskFlow or on our engine, in two threads."""

    def __init__(self, side: str, works: list[Work], detail: models.FlowDetail) -> None:
        self.calls: list[str] = []
        self.backend = impl_memory.MemoryBackend({})
        book = models.LogBook("book")
        book.add(detail)
        self.backend.get_connection().save_logbook(book)
        tasks = {work.name: WorkTask(work, self.calls) for work in works}
        edges = [(tasks[before], tasks[work.name]) for work in works for before in work.after]
        flow = graph_of("flow", tasks.values(), edges)
        pool = ThreadPoolExecutor(2)
        if side == "stock":
            make: Any = tf_engine.ParallelActionEngine
            given: Any = pool
        else:
            make, given = DurableEngine, Pooled(executor=pool)
        self.pool = pool
        self.engine = make(flow, detail, self.backend, {"executor": given})

    def run(self) -> str:
        """Run to the end, whatever tasks raise; the flow's state."""
        with self.pool, contextlib.suppress(Exception):
            self.engine.run()
        return str(self.engine.storage.get_flow_state())

    def let_all_end(self) -> None:
        """Return when both threads have nothing to do, so that all futures are done."""
        idle = threading.Barrier(2, timeout=20)
        for future in [self.pool.submit(idle.wait) for _ in range(2)]:
            future.result(20)

    def left(self) -> models.FlowDetail:
        """What the next process finds."""
        return self.backend.get_connection().get_flow_details(FLOW)


def until(course: Iterator[str], state: str) -> None:
    """Step an engine to the next time it is in a state."""
    while next(course) != state:
        pass


def fail() -> None:
    raise ValueError("no")


@pytest.mark.parametrize(
    "side",
    [stock_fails("tasks cancelled in the queue are forgotten: the flow is REVERTED"), "ours"],
)
def test_draining_loses_no_work(side: str) -> None:
    started, gate = threading.Semaphore(0), threading.Semaphore(0)

    def wait() -> None:
        started.release()
        assert gate.acquire(timeout=20)

    names = ["a", "b", "c", "d", "e"]
    first = Process(side, [Work(name, wait) for name in names], models.FlowDetail("f", FLOW))
    course = first.engine.run_iter()
    until(course, states.WAITING)
    for _ in range(2):
        assert started.acquire(timeout=20)
    first.engine.suspend()
    gate.release()
    # one has ended: the engine looks, and cancels what waits for a free thread
    until(course, states.WAITING)
    gate.release(len(names))
    end = [*course][-1]
    gate.release(len(names))
    assert end == states.SUSPENDED
    second = Process(side, [Work(name, wait) for name in names], first.left())
    assert second.run() == states.SUCCESS
    assert sorted(first.calls + second.calls) == [f"execute {name}" for name in names]


@pytest.mark.parametrize(
    "side", [stock_fails("what was chosen before a failure is reverted unrun"), "ours"]
)
def test_what_has_never_run_is_never_reverted(side: str) -> None:
    """In which order an engine looks at what ended together is chance: so, several times."""
    works = [Work("bad", fail)]
    for name in "abcdefgh":
        works += [Work(name), Work(f"after {name}", after=(name,))]
    for _ in range(20):
        process = Process(side, works, models.FlowDetail("f", FLOW))
        with contextlib.suppress(ValueError):
            for state in process.engine.run_iter():
                if state == states.WAITING:
                    process.let_all_end()
        assert process.engine.storage.get_flow_state() == states.REVERTED
        executed = {call for call in process.calls if call.startswith("execute")}
        assert executed == {"execute bad", *(f"execute {name}" for name in "abcdefgh")}
        assert len(process.calls) == 2 * len(executed)


@pytest.mark.parametrize("side", [stock_fails("a REVERTED flow is executed again"), "ours"])
def test_a_reverted_flow_is_not_executed_again(side: str) -> None:
    works = [Work("a"), Work("b", fail, after=("a",))]
    first = Process(side, works, models.FlowDetail("f", FLOW))
    assert first.run() == states.REVERTED
    second = Process(side, works, first.left())
    assert second.run() == states.REVERTED
    assert second.calls == []


@pytest.mark.parametrize("side", [stock_fails("a FAILURE turns into REVERTED"), "ours"])
def test_a_flow_that_could_not_be_reverted_stays_so(side: str) -> None:
    works = [Work("a"), Work("b", fail, fail, after=("a",))]
    first = Process(side, works, models.FlowDetail("f", FLOW))
    assert first.run() == states.FAILURE
    second = Process(side, works, first.left())
    assert second.run() == states.FAILURE
    assert second.calls == []


@dataclass(slots=True)
class Side:
    """Runs works to the end as ``stock`` does, or as a job group."""

    name: str
    store: Store
    folder: Path
    calls: list[str] = field(default_factory=list)

    def run(self, works: list[Work]) -> str:
        """How it has ended; ``calls`` says what was done."""
        return self._run_stock(works) if self.name == "stock" else self._run_group(works)

    def _run_stock(self, works: list[Work]) -> str:
        tasks = {work.name: WorkTask(work, self.calls) for work in works}
        edges = [(tasks[before], tasks[work.name]) for work in works for before in work.after]
        backend = impl_dir.DirBackend({"path": str(self.folder)})
        connection = backend.get_connection()
        connection.upgrade()
        detail, book = models.FlowDetail("f", FLOW), models.LogBook("book")
        book.add(detail)
        connection.save_logbook(book)
        flow = graph_of("flow", tasks.values(), edges)
        with ThreadPoolExecutor(2) as pool:
            engine = tf_engine.ParallelActionEngine(flow, detail, backend, {"executor": pool})
            try:
                engine.run()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - what tasks bring about
                self.calls.append(f"raised {type(error).__name__}")
        return str(connection.get_flow_details(FLOW).state)

    def _run_group(self, works: list[Work]) -> str:
        claim = take_claim(self.store, "g:n1:1", holder="me", lease=self.store.grant(60))
        assert claim is not None
        host = FlowHost(self.store, "me", threads=2)
        host.start()
        try:
            run = GroupRun(
                "g:n1:1",
                [make_job(work.name, after=work.after) for work in works],
                ResourcePath("v2.0/networks", "n1"),
                host=host,
                claim=claim.fence,
                handlers={"list": WorkHandler(works, self.calls)},
                catalog=Catalog((), ()),
                recorded=NothingRecorded(),
            )
            return run.execute().state.name
        finally:
            host.stop()


class WorkHandler:
    """Does each job's work."""

    def __init__(self, works: list[Work], calls: list[str]) -> None:
        self._works = {work.name: work for work in works}
        self._calls = calls

    def execute(self, job: Job, run: Run) -> Steps:
        self._calls.append(f"execute {job.id}")
        made = self._works[job.id].execute()
        yield from ()
        return Outcome(job_state={"made": made})

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        self._calls.append(f"revert {job.id}")
        self._works[job.id].revert()
        yield from ()
        return Outcome()

    def close(self) -> None:
        pass


@pytest.fixture
def side(
    request: pytest.FixtureRequest, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Side:
    """Stock TaskFlow as it is, but for the 5 s that it waits before each further attempt."""
    attempts = storage.Storage._save_atom_detail.retry
    monkeypatch.setattr(attempts, "wait", tenacity.wait_none())
    return Side(request.param, store, tmp_path)


def with_last(execute: Callable[[], Any], revert: Callable[[], Any] = nothing) -> list[Work]:
    """A chain of three, whose last one is given."""
    return [Work("a"), Work("b", after=("a",)), Work("c", execute, revert, after=("b",))]


IN_ORDER = ["execute a", "execute b", "execute c", "revert c", "revert b", "revert a"]


@pytest.mark.parametrize(
    "side", [stock_fails("a revert that raises ends the reversion"), "ours"], indirect=True
)
def test_a_revert_that_raises_leaves_nothing_before_it_standing(side: Side) -> None:
    side.run(with_last(fail, fail))
    assert [call for call in side.calls if not call.startswith("raised")] == IN_ORDER


@pytest.mark.parametrize(
    "side",
    [stock_fails("a result that is no JSON is never saved, nor reverted"), "ours"],
    indirect=True,
)
def test_a_result_that_cannot_be_stored_is_a_failure_of_its_task(side: Side) -> None:
    assert side.run(with_last(threading.Lock)) == states.REVERTED
    assert side.calls[:6] == IN_ORDER


@pytest.mark.parametrize(
    "side",
    [stock_fails("an exception that is no JSON is never saved, nor reverted"), "ours"],
    indirect=True,
)
def test_an_exception_that_cannot_be_stored_is_as_any_other(side: Side) -> None:
    def raise_lock() -> None:
        raise ValueError(threading.Lock())

    assert side.run(with_last(raise_lock)) == states.REVERTED
    assert side.calls[:6] == IN_ORDER


@pytest.mark.parametrize(
    "side", [stock_fails("SystemExit in a task ends the engine, half-way"), "ours"], indirect=True
)
def test_a_task_that_wants_to_end_the_process_ends_itself_only(side: Side) -> None:
    assert side.run(with_last(sys.exit)) == states.REVERTED
    assert side.calls[:6] == IN_ORDER
