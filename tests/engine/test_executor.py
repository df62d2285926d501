"""Steps: what a job waits for may be cancelled or fail, and stopping leaves none behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import pytest
from taskflow import task
from taskflow.patterns import graph_flow
from taskflow.persistence import models
from taskflow.persistence.backends import impl_memory

from esi_flows.catalog.types import Catalog
from esi_flows.engine.mended.engine import DurableEngine
from esi_flows.engine.steps import TaskRun
from esi_flows.engine.task import HandlerTask
from esi_flows.handlers.base import Handler, Outcome, Run, Steps
from esi_flows.model.errors import ClaimLost, HandlerError, Suspended
from esi_flows.model.jobs import Job
from tests.engine.blocking import BlockingExecutor
from tests.plugins import NothingRecorded, make_job


class Plugin:
    """A handler whose run is a function."""

    def __init__(self, execute: Callable[[], Steps]) -> None:
        self._execute = execute
        self.reverted: list[str] = []

    def execute(self, job: Job, run: Run) -> Steps:
        return (yield from self._execute())

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        self.reverted.append(job.id)
        yield from ()
        return Outcome()

    def close(self) -> None:
        pass


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def steps_on(pool: ThreadPoolExecutor, **given: Any) -> BlockingExecutor:
    options = {"durable": lambda: None, "may_run": lambda: True, **given}
    return BlockingExecutor(pool, **options)


def handler_task(handler: Handler, job_id: str = "a") -> HandlerTask:
    return HandlerTask(make_job(job_id), handler, Run(Catalog((), ()), NothingRecorded()))


def in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[BaseException]]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except (OSError, HandlerError, Suspended) as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def group_engine(steps: BlockingExecutor, *tasks: task.Task) -> DurableEngine:
    book, detail = models.LogBook("b"), models.FlowDetail("f", "uuid-f")
    book.add(detail)
    backend = impl_memory.MemoryBackend({})
    backend.get_connection().save_logbook(book)
    flow = graph_flow.Flow("flow").add(*tasks)
    return DurableEngine(flow, detail, backend, {"executor": steps})


def test_what_a_job_waits_for_may_be_cancelled_by_others(pool: ThreadPoolExecutor) -> None:
    awaited: Future[Any] = Future()
    awaited.cancel()
    seen: list[BaseException] = []

    def execute() -> Steps:
        try:
            yield awaited
        except CancelledError as error:
            seen.append(error)
            raise HandlerError("nobody tells me any more") from error
        return Outcome()

    engine = group_engine(steps_on(pool), handler_task(Plugin(execute)))
    with pytest.raises(HandlerError, match="nobody tells"):
        engine.run()
    assert seen


def test_what_a_job_waits_for_may_fail(pool: ThreadPoolExecutor) -> None:
    awaited: Future[Any] = Future()
    awaited.set_exception(OSError("away"))

    def execute() -> Steps:
        try:
            yield awaited
        except OSError:
            return Outcome(job_state={"came": "through"})
        return Outcome()

    engine = group_engine(steps_on(pool), handler_task(Plugin(execute)))
    engine.run()
    assert engine.storage.get("a")["job_state"] == {"came": "through"}


def test_a_handler_that_wants_to_end_the_process_fails_its_job(pool: ThreadPoolExecutor) -> None:
    def execute() -> Steps:
        yield from ()
        sys.exit(1)

    handler = Plugin(execute)
    engine = group_engine(steps_on(pool), handler_task(handler))
    with pytest.raises(HandlerError, match="SystemExit"):
        engine.run()
    assert handler.reverted == ["a"]


def test_ordinary_tasks_run_beside_jobs(pool: ThreadPoolExecutor) -> None:
    class Plain(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
        def execute(self) -> str:
            return "plain"

    def execute() -> Steps:
        yield from ()
        return Outcome(job_state={"a": 1})

    engine = group_engine(steps_on(pool), handler_task(Plugin(execute)), Plain("p"))
    engine.run()
    assert engine.storage.get("p") == "plain"
    assert engine.storage.get("a")["job_state"] == {"a": 1}


def test_an_ordinary_task_is_reverted_with_its_result(pool: ThreadPoolExecutor) -> None:
    reverted: list[Any] = []

    class Plain(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
        def execute(self) -> str:
            return "made"

        def revert(self, result: Any, flow_failures: Any) -> None:
            reverted.append((result, list(flow_failures)))

    def execute() -> Steps:
        yield from ()
        raise HandlerError("no")

    first, second = Plain("p"), handler_task(Plugin(execute))
    flow = graph_flow.Flow("flow").add(first, second)
    flow.link(first, second)
    engine = group_engine(steps_on(pool), flow)
    with pytest.raises(HandlerError):
        engine.run()
    assert reverted == [("made", ["a"])]


def test_interrupted_while_it_waits_the_engine_stops_and_cancels(pool: ThreadPoolExecutor) -> None:
    awaited: Future[Any] = Future()
    reached = threading.Event()

    def execute() -> Steps:
        reached.set()
        yield awaited
        return Outcome()

    steps = steps_on(pool)
    thread, raised = in_thread(group_engine(steps, handler_task(Plugin(execute))).run)
    assert reached.wait(20)
    steps.interrupt(Suspended("stop"))
    thread.join(20)
    assert isinstance(raised[0], Suspended)
    assert awaited.cancelled()


def test_interrupted_before_it_starts_no_step_is_made(pool: ThreadPoolExecutor) -> None:
    made: list[str] = []

    def execute() -> Steps:
        made.append("step")
        yield from ()
        return Outcome()

    steps = steps_on(pool)
    steps.interrupt(Suspended("stop"))
    with pytest.raises(Suspended):
        group_engine(steps, handler_task(Plugin(execute))).run()
    assert made == []


def test_stopping_waits_for_the_step_under_way(pool: ThreadPoolExecutor) -> None:
    """Whoever claims the group next must not meet our call in the outside world."""
    inside, gate = threading.Event(), threading.Event()

    def execute() -> Steps:
        inside.set()
        gate.wait(20)
        yield from ()
        return Outcome()

    steps = steps_on(pool)
    thread, raised = in_thread(group_engine(steps, handler_task(Plugin(execute))).run)
    assert inside.wait(20)
    steps.interrupt(Suspended("stop"))
    thread.join(0.2)
    assert thread.is_alive()
    gate.set()
    thread.join(20)
    assert isinstance(raised[0], Suspended)


def test_a_wait_begun_while_stopping_is_cancelled(pool: ThreadPoolExecutor) -> None:
    inside, gate = threading.Event(), threading.Event()
    awaited: Future[Any] = Future()

    def execute() -> Steps:
        inside.set()
        gate.wait(20)
        yield awaited
        return Outcome()

    steps = steps_on(pool)
    thread, _ = in_thread(group_engine(steps, handler_task(Plugin(execute))).run)
    assert inside.wait(20)
    steps.interrupt(Suspended("stop"))
    thread.join(0.1)
    gate.set()
    thread.join(20)
    assert awaited.cancelled()


def test_after_an_error_in_between_no_queued_step_is_made() -> None:
    """Two jobs, one thread: the write after the first fails, the second must not start."""
    made: list[str] = []
    gate = threading.Event()
    flushes = iter([None, OSError("etcd is away")])

    def durable() -> None:
        error = next(flushes)
        if error is not None:
            raise error

    def execute() -> Steps:
        made.append("step")
        gate.wait(20)
        yield from ()
        return Outcome()

    with ThreadPoolExecutor(1) as single:
        blocker = single.submit(gate.wait, 20)
        steps = steps_on(single, durable=durable)
        engine = group_engine(
            steps, handler_task(Plugin(execute), "a"), handler_task(Plugin(execute), "b")
        )
        ended = handler_task(Plugin(execute))
        steps._ended.put(TaskRun(steps, single, ended, "x", ended.execute_steps()))
        with pytest.raises(OSError, match="etcd is away"):
            engine.run()
        gate.set()
        blocker.result(20)
    assert made == []


def test_no_step_is_made_without_the_lease(pool: ThreadPoolExecutor) -> None:
    alive = [True]
    second: list[str] = []

    def execute() -> Steps:
        done: Future[Any] = Future()
        done.set_result(None)
        alive[0] = False
        yield done
        second.append("step")
        return Outcome()

    steps = steps_on(pool, may_run=lambda: alive[0])
    with pytest.raises(ClaimLost):
        group_engine(steps, handler_task(Plugin(execute))).run()
    assert second == []
