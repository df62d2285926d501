"""What is observed behaves as if nobody looked, and is counted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.handlers.base import CallObserver, Outcome, Run, Steps
from esi_flows.model import keys
from esi_flows.model.errors import HandlerError, StoreUnavailable, Suspended
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.operation.metrics import Metrics
from esi_flows.operation.observed_handlers import observed
from esi_flows.operation.observed_store import ObservedStore
from esi_flows.store.base import Delete, Put, Store, absent
from esi_flows.store.faults import Fault, FaultyStore
from tests.plugins import ListHandler, NothingRecorded, make_job

RUN = Run(catalog=Catalog([], []), recorded=NothingRecorded())
RECOVERING = Run(catalog=Catalog([], []), recorded=NothingRecorded(), recovering=True)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def value(metrics: Metrics) -> Callable[..., float]:
    """The value of one sample; 0 where there is none."""
    return lambda name, **labels: metrics.registry.get_sample_value(name, labels) or 0.0


class Waits(ListHandler):
    """Waits for a future of the test's."""

    def __init__(self) -> None:
        self.future: Future[Any] = Future()
        super().__init__(waits_for=lambda job: self.future)


class Calls(ListHandler):
    """Tells of calls."""

    def tell_calls(self, observer: CallObserver) -> None:
        observer("create", "HeatUnavailable", 1.5)


def ended(steps: Steps) -> Outcome:
    """Make all steps of a run that waits for nothing; its outcome."""
    try:
        next(steps)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    raise AssertionError("it waits")


def test_a_run_is_the_one_behind(metrics: Metrics, value: Callable[..., float]) -> None:
    behind = ListHandler()
    handler = observed({"list": behind}, metrics)["list"]
    outcome = ended(handler.execute(make_job("a"), RUN))
    assert outcome == ended(ListHandler().execute(make_job("a"), RUN))
    ended(handler.revert(make_job("a"), RUN, outcome))
    assert behind.calls == ["execute a", "revert a"]
    for step in ("execute", "revert"):
        labels = {"handler": "list", "action": "create", "step": step}
        assert value("esi_flows_jobs_total", **labels, outcome="ok") == 1
        assert value("esi_flows_job_seconds_count", **labels) == 1


def test_a_failure_passes_and_is_counted(metrics: Metrics, value: Callable[..., float]) -> None:
    handler = observed({"list": ListHandler(fails=("a",))}, metrics)["list"]
    with pytest.raises(HandlerError, match="no luck with a"):
        ended(handler.execute(make_job("a"), RECOVERING))
    labels = {"handler": "list", "action": "create"}
    assert value("esi_flows_jobs_total", **labels, step="execute", outcome="failed") == 1
    assert value("esi_flows_jobs_recovered_total", **labels) == 1


def test_a_run_that_is_stopped_is_interrupted(
    metrics: Metrics, value: Callable[..., float]
) -> None:
    waits = Waits()
    handler = observed({"list": waits}, metrics)["list"]
    labels = {"handler": "list", "action": "create", "step": "execute", "outcome": "interrupted"}
    stopped = handler.execute(make_job("a"), RUN)
    assert next(stopped) is waits.future
    assert value("esi_flows_jobs_running", handler="list") == 1
    with pytest.raises(Suspended):
        stopped.throw(Suspended("the conductor is stopping"))
    assert value("esi_flows_jobs_total", **labels) == 1
    left = handler.execute(make_job("b"), RUN)
    next(left)
    left.close()
    assert value("esi_flows_jobs_total", **labels) == 2
    assert value("esi_flows_jobs_running", handler="list") == 0


def test_what_is_awaited_reaches_the_run(metrics: Metrics) -> None:
    waits = Waits()
    steps = observed({"list": waits}, metrics)["list"].execute(make_job("a"), RUN)
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send("answer")
    assert end.value.value.undo == {"of": "a"}


def test_calls_outside_are_counted(metrics: Metrics, value: Callable[..., float]) -> None:
    observed({"heat_worker": Calls()}, metrics)
    labels = {"handler": "heat_worker", "call": "create"}
    assert value("esi_flows_handler_calls_total", **labels, outcome="HeatUnavailable") == 1
    assert value("esi_flows_handler_call_seconds_sum", **labels) == 1.5


def record(**changes: Any) -> GroupRecord:
    made = GroupRecord(
        name="network:n1:1",
        action=Action.CREATE,
        resource=ResourceRef("network", "n1"),
        version=1,
        job_ids=(),
        posted_at=100.0,
    )
    return made.but(**changes)


def put(stored: GroupRecord) -> Put:
    return Put(keys.group(stored.name), stored.encode())


@pytest.mark.etcd
def test_the_course_of_a_group_is_read_off_its_writes(
    store: Store, metrics: Metrics, value: Callable[..., float]
) -> None:
    watched = ObservedStore(store, metrics)
    claim = keys.claim("network:n1:1")
    claimed = record(state=GroupState.RUNNING, attempts=1, started_at=103.0)
    watched.txn([], [put(record())])
    watched.txn([absent(claim)], [Put(claim, b"{}"), put(claimed)])
    watched.txn([absent(claim)], [Put(claim, b"{}"), put(claimed)])  # refused
    watched.txn([], [Delete(claim)])
    watched.txn([absent(claim)], [Put(claim, b"{}"), put(claimed.but(attempts=2))])
    watched.txn([], [put(claimed.but(state=GroupState.REVERTED, ended_at=110.0)), Delete(claim)])
    assert value("esi_flows_groups_posted_total", action="create") == 1
    assert value("esi_flows_claims_taken_total", action="create", again="no") == 1
    assert value("esi_flows_claims_taken_total", action="create", again="yes") == 1
    assert value("esi_flows_groups_ended_total", action="create", state="REVERTED") == 1
    assert value("esi_flows_group_waiting_seconds_sum", action="create") == 3.0
    assert value("esi_flows_group_seconds_sum", action="create", state="REVERTED") == 7.0
    assert value("esi_flows_store_refused_total") == 1
    assert value("esi_flows_store_seconds_count", operation="txn") == 6


@pytest.mark.etcd
def test_errors_pass_and_are_counted(
    store: Store, metrics: Metrics, value: Callable[..., float]
) -> None:
    watched = ObservedStore(FaultyStore(store, lambda method, arguments: Fault.ERROR), metrics)
    with pytest.raises(StoreUnavailable):
        watched.get("/x")
    with pytest.raises(StoreUnavailable):
        watched.txn([], [put(record())])
    errors = {"error": "StoreUnavailable"}
    assert value("esi_flows_store_errors_total", operation="get", **errors) == 1
    assert value("esi_flows_store_errors_total", operation="txn", **errors) == 1
    assert value("esi_flows_groups_posted_total", action="create") == 0


@pytest.mark.etcd
def test_every_call_reaches_the_store_behind(store: Store, metrics: Metrics) -> None:
    watched = ObservedStore(store, metrics)
    lease = watched.grant(60)
    watched.put("/a/1", b"1", lease=lease)
    assert watched.keep_alive(lease) > 0
    found = watched.get("/a/1")
    assert found is not None
    assert found.lease == lease
    assert [item.key for item in watched.range("/a/").items] == ["/a/1"]
    watch = watched.watch("/a/", start_revision=found.mod_revision)
    assert [event.key for event in next(iter(watch)).events] == ["/a/1"]
    watch.cancel()
    watched.revoke(lease)
    assert watched.get("/a/1") is None
    assert watched.delete("/a/1") is False
