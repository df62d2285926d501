"""A claimed group runs as a flow whose progress and effects are durable together."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from taskflow import states
from taskflow.persistence import models

from esi_flows.catalog.types import Catalog
from esi_flows.engine import details
from esi_flows.engine.host import FlowHost
from esi_flows.engine.persistence import ensure_groups_book
from esi_flows.engine.run import FlowEnd, GroupRun, Policy, keeping
from esi_flows.engine.task import MAX_RESULT_BYTES
from esi_flows.handlers.base import Handler, Outcome, Write
from esi_flows.model import keys
from esi_flows.model.errors import ClaimLost, DefinitionChanged, Suspended
from esi_flows.model.groups import GroupState
from esi_flows.model.jobs import Job, OnFailure, Parameter
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Store
from esi_flows.store.claims import Claim, take_claim
from tests.plugins import ListHandler, NothingRecorded, chain, make_job

PATH = ResourcePath("v2.0/networks", "n1")
GROUP = "network:n1:1"


@contextmanager
def flow_host(store: Store, **given: Any) -> Iterator[FlowHost]:
    host = FlowHost(store, "me", **given)
    host.start()
    try:
        yield host
    finally:
        host.stop()


@pytest.fixture
def host(store: Store) -> Iterator[FlowHost]:
    with flow_host(store, threads=4) as started:
        yield started


@pytest.fixture
def claim(store: Store) -> Claim:
    taken = take_claim(store, GROUP, holder="me", lease=store.grant(60))
    assert taken is not None
    return taken


def group_run(
    host: FlowHost, claim: Claim, jobs: list[Job], handler: Handler, **given: Any
) -> GroupRun:
    return GroupRun(
        GROUP,
        jobs,
        PATH,
        host=host,
        claim=claim.fence,
        handlers={"list": handler},
        catalog=Catalog((), ()),
        recorded=NothingRecorded(),
        **given,
    )


def stored(store: Store, key: str) -> Any:
    found = store.get(key)
    return json.loads(found.value) if found is not None else None


def atoms(store: Store) -> list[tuple[models.AtomDetail, int]]:
    """The stored atoms, and the revision each was written at."""
    stored = [item for item in store.range(keys.PERSISTENCE).items if "/atoms/" in item.key]
    return [(details.decode_atom(item.key, item.value), item.mod_revision) for item in stored]


def atom_states(store: Store) -> dict[str, str]:
    return {atom.name: atom.state for atom, _ in atoms(store)}


def test_a_chain_runs_in_order_and_its_effects_are_published(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    handler = ListHandler()
    end = group_run(host, claim, chain("a", "b", "c"), handler).execute()
    assert handler.calls == ["execute a", "execute b", "execute c"]
    assert end.state is GroupState.SUCCESS
    assert [item.key for item in store.range("/made/").items] == ["/made/a", "/made/b", "/made/c"]
    assert stored(store, keys.job_state(PATH)) == {"list": "c"}
    assert [job.state for job in end.course] == [states.SUCCESS] * 3


def test_independent_jobs_run_at_the_same_time(store: Store, claim: Claim, host: FlowHost) -> None:
    both = threading.Barrier(2, timeout=20)

    class Meeting(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            both.wait()  # passes only when the other is here too
            return (yield from super().execute(job, run))

    jobs = [make_job("a", first=True), make_job("b", last=True)]
    assert group_run(host, claim, jobs, Meeting()).execute().state is GroupState.SUCCESS


def test_a_failure_reverts_what_was_done_newest_first(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    handler = ListHandler(fails=("c",))
    end = group_run(host, claim, chain("a", "b", "c"), handler).execute()
    assert handler.calls[3:] == ["revert c", "revert b", "revert a"]
    assert (end.state, end.failed_job, end.error) == (GroupState.REVERTED, "c", "no luck with c")
    assert store.range("/made/").items == ()
    assert end.job_state == {}


def test_an_ignored_failure_is_recorded_and_the_others_go_on(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    jobs = [
        make_job("a", first=True, on_failure=OnFailure.IGNORE),
        make_job("b", after=("a",), last=True),
    ]
    handler = ListHandler(fails=("a",))
    end = group_run(host, claim, jobs, handler).execute()
    assert end.state is GroupState.SUCCESS
    assert handler.calls == ["execute a", "execute b"]
    assert end.course[0].error == "no luck with a"


def test_what_failed_and_was_ignored_is_not_reverted(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    jobs = [
        make_job("a", first=True, on_failure=OnFailure.IGNORE),
        make_job("b", after=("a",), last=True),
    ]
    handler = ListHandler(fails=("a", "b"))
    assert group_run(host, claim, jobs, handler).execute().state is GroupState.REVERTED
    assert "revert a" not in handler.calls


def test_a_revert_that_fails_does_not_stop_the_others_and_is_named(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    handler = ListHandler(fails=("c",), cannot_revert=("b",))
    end = group_run(host, claim, chain("a", "b", "c"), handler).execute()
    assert "revert a" in handler.calls
    assert end.state is GroupState.FAILURE
    assert "b stays" in next(job.error for job in end.course if job.id == "b")


def test_the_running_mark_is_durable_before_the_job_starts(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    seen: list[dict[str, str]] = []

    class Looking(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            seen.append(atom_states(store))
            return (yield from super().execute(job, run))

    group_run(host, claim, chain("a", "b"), Looking()).execute()
    assert seen[0]["a"] == states.RUNNING
    assert (seen[1]["a"], seen[1]["b"]) == (states.SUCCESS, states.RUNNING)


def test_a_chain_of_three_takes_one_transaction_per_wave_and_one(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    ensure_groups_book(store)
    before = store.range(keys.CLAIMS).revision
    group_run(host, claim, chain("a", "b", "c"), ListHandler()).execute()
    assert store.range(keys.CLAIMS).revision - before == 4


def test_job_state_is_empty_from_the_first_job_on(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    seen: list[Any] = []

    class Looking(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            seen.append(stored(store, keys.job_state(PATH)))
            return (yield from super().execute(job, run))

    group_run(host, claim, chain("a", "b"), Looking()).execute()
    assert seen == [{}, {"list": "a"}]


def test_a_job_that_waits_holds_no_thread(store: Store, claim: Claim) -> None:
    gates: dict[str, Future[None]] = {name: Future() for name in ("a", "b", "c", "d")}
    started = threading.Semaphore(0)

    def wait(job: Job) -> Future[Any]:
        started.release()
        return gates[job.id]

    jobs = [make_job(name, first=name == "a", last=name == "d") for name in gates]
    ends: list[FlowEnd] = []
    with flow_host(store, threads=1) as single:
        run = group_run(single, claim, jobs, ListHandler(waits_for=wait))
        thread = threading.Thread(target=lambda: ends.append(run.execute()))
        thread.start()
        for _ in gates:
            assert started.acquire(timeout=20), "the one thread was held by a job that waits"
        for gate in gates.values():
            gate.set_result(None)
        thread.join(20)
    assert ends[0].state is GroupState.SUCCESS


def test_a_suspended_run_goes_on_where_it_was(store: Store, claim: Claim, host: FlowHost) -> None:
    reached, gate = threading.Event(), Future[None]()

    def wait(job: Job) -> Future[Any] | None:
        if job.id == "b":
            reached.set()
            return gate
        return None

    first = ListHandler(waits_for=wait)
    run = group_run(host, claim, chain("a", "b", "c"), first)
    raised: list[BaseException] = []

    def execute() -> None:
        try:
            run.execute()
        except Suspended as error:
            raised.append(error)

    thread = threading.Thread(target=execute)
    thread.start()
    assert reached.wait(20)
    run.suspend(Suspended("stopping"))
    thread.join(20)
    assert raised
    assert gate.cancelled()

    second = ListHandler()
    end = group_run(host, claim, chain("a", "b", "c"), second).execute()
    assert end.state is GroupState.SUCCESS
    assert second.calls == ["execute b", "execute c"]
    assert second.recovering == ["b"]
    assert stored(store, keys.job_state(PATH)) == {"list": "c"}


def test_nothing_is_written_once_the_claim_is_gone(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    class Losing(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            store.delete(claim.key)
            return (yield from super().execute(job, run))

    handler = Losing()
    with pytest.raises(ClaimLost):
        group_run(host, claim, chain("a", "b"), handler).execute()
    assert handler.calls == ["execute a"]
    assert store.range("/made/").items == ()
    assert atom_states(store)["a"] == states.RUNNING


def test_no_step_is_made_once_the_lease_is_over(store: Store, claim: Claim) -> None:
    alive = [True]

    class Expiring(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            outcome = yield from super().execute(job, run)
            alive[0] = False
            return outcome

    handler = Expiring()
    with flow_host(store, may_run=lambda: alive[0]) as host:
        run = group_run(host, claim, chain("a", "b"), handler)
        with pytest.raises(ClaimLost):
            run.execute()
    assert handler.calls == ["execute a"]


@pytest.mark.parametrize("fails", [(), ("b",)])
def test_a_flow_that_has_ended_is_not_run_again(
    store: Store, claim: Claim, host: FlowHost, fails: tuple[str, ...]
) -> None:
    jobs = chain("a", "b")
    first = group_run(host, claim, jobs, ListHandler(fails=fails)).execute()
    again = ListHandler()
    second = group_run(host, claim, jobs, again).execute()
    assert again.calls == []
    assert (second.state, second.failed_job, second.error, second.job_state) == (
        first.state,
        first.failed_job,
        first.error,
        first.job_state,
    )


def test_an_exception_that_json_does_not_know_is_recorded_all_the_same(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    class Odd(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            yield from ()
            raise ValueError(threading.Lock(), b"\xff")

    end = group_run(host, claim, chain("a"), Odd()).execute()
    assert end.state is GroupState.REVERTED
    assert end.error.startswith("ValueError: (<unlocked _thread.lock")


class Bringing(ListHandler):
    """The job ``b`` brings this."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome

    def execute(self, job: Job, run: Any) -> Any:
        outcome = yield from super().execute(job, run)
        return self.outcome if job.id == "b" else outcome


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(job_state={"much": "x" * MAX_RESULT_BYTES}), "can be kept"),
        (Outcome(writes=(Write("/made/b", b"x" * 2 * 1024 * 1024),)), "can be kept"),
        (Outcome(job_state={"odd": {1, 2}}), "no JSON"),
        (Outcome(undo=object()), "no JSON"),
    ],
)
def test_what_cannot_be_stored_fails_its_job_and_is_reverted(
    store: Store, claim: Claim, host: FlowHost, outcome: Outcome, words: str
) -> None:
    handler = Bringing(outcome)
    end = group_run(host, claim, chain("a", "b", "c"), handler).execute()
    assert (end.state, end.failed_job) == (GroupState.REVERTED, "b")
    assert words in end.error
    assert handler.calls[2:] == ["revert b", "revert a"]
    assert store.range("/made/").items == ()


def test_outcomes_of_many_jobs_are_each_stored_with_what_they_publish(
    store: Store, claim: Claim, host: FlowHost
) -> None:
    """A wave of more writes than one transaction takes is parted between jobs only."""
    all_here = threading.Barrier(60, timeout=20)

    class Together(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            all_here.wait()
            return (yield from super().execute(job, run))

    jobs = [make_job(f"j{n:02}", first=n == 0, last=n == 59) for n in range(60)]
    with flow_host(store, threads=60) as wide:
        run = group_run(wide, claim, jobs, Together())
        assert run.execute().state is GroupState.SUCCESS
    at = {atom.name: revision for atom, revision in atoms(store)}
    made = {
        item.key.removeprefix("/made/"): item.mod_revision for item in store.range("/made/").items
    }
    assert made == at


@pytest.mark.parametrize("on_failure", list(OnFailure))
def test_what_a_failure_tells_holds_no_secret(
    store: Store,
    claim: Claim,
    host: FlowHost,
    caplog: pytest.LogCaptureFixture,
    on_failure: OnFailure,
) -> None:
    class Talkative(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            yield from ()
            raise ValueError("'canary' does not match, nor does 'linnet'")

        def revert(self, job: Job, run: Any, outcome: Outcome | None) -> Any:
            return self.execute(job, run)

    job = replace(
        make_job("a", first=True, last=True, on_failure=on_failure),
        resource_input={"id": "n1", "password": "canary"},
        params=(Parameter("admin_password", "value", "linnet"),),
    )
    end = group_run(host, claim, [job], Talkative()).execute()
    told = f"{end} {caplog.text} {[vars(record) for record in caplog.records]}"
    told += str([item.value for item in store.range("/esi-flows/").items])
    assert "ValueError: '********' does not match, nor does '********'" in told
    assert "canary" not in told
    assert "linnet" not in told


def waiting_at(job_id: str) -> tuple[ListHandler, threading.Event, Future[None]]:
    """A handler whose run of one job waits; what is set when it does; what it waits for."""
    reached, gate = threading.Event(), Future[None]()

    def wait(job: Job) -> Future[Any] | None:
        if job.id != job_id:
            return None
        reached.set()
        return gate

    return ListHandler(waits_for=wait), reached, gate


def started(run: GroupRun) -> Future[FlowEnd | Exception]:
    told: Future[FlowEnd | Exception] = Future()
    run.start(told.set_result)
    return told


@pytest.mark.parametrize("on_failure", list(OnFailure))
def test_a_cancelled_group_reverts_what_it_has_done(
    claim: Claim, host: FlowHost, store: Store, on_failure: OnFailure
) -> None:
    """That somebody wants it stopped is no failure of the job's, which its group might ignore."""
    handler, reached, gate = waiting_at("b")
    jobs = [replace(job, on_failure=on_failure) for job in chain("a", "b", "c")]
    run = group_run(host, claim, jobs, handler)
    told = started(run)
    assert reached.wait(20)
    run.cancel("operator: wrong network")
    end = told.result(20)
    assert isinstance(end, FlowEnd)
    assert (end.state, end.error) == (GroupState.REVERTED, "operator: wrong network")
    assert handler.calls == ["execute a", "execute b", "revert b", "revert a"]
    assert gate.cancelled()
    run._writer.flush()
    assert store.range("/made/").items == ()


def test_whoever_takes_over_a_cancelled_group_goes_on_reverting(
    claim: Claim, host: FlowHost
) -> None:
    stuck = threading.Event()
    handler, reached, _ = waiting_at("b")

    class Stuck(ListHandler):
        def revert(self, job: Job, run: Any, outcome: Outcome | None) -> Any:
            stuck.set()
            yield Future()

    first = Stuck(waits_for=handler.waits_for)
    run = group_run(host, claim, chain("a", "b", "c"), first)
    told = started(run)
    assert reached.wait(20)
    run.cancel("enough")
    assert stuck.wait(20)
    run.suspend(Suspended("stopping"))
    assert isinstance(told.result(20), Suspended)
    second = ListHandler()
    end = group_run(host, claim, chain("a", "b", "c"), second).execute()
    assert (end.state, end.error) == (GroupState.REVERTED, "enough")
    assert second.calls == ["revert b", "revert a"]


def test_cancelled_before_it_was_taken_over_nothing_more_is_executed(
    claim: Claim, host: FlowHost
) -> None:
    """Recorded as cancelled, but killed before any job heard of it."""
    handler, reached, _ = waiting_at("b")
    run = group_run(host, claim, chain("a", "b", "c"), handler)
    told = started(run)
    assert reached.wait(20)
    # the very step between the record and the jobs, at which no other means can stop it
    run._steps.doom = lambda error: run.suspend(Suspended("killed"))  # type: ignore[method-assign]
    run.cancel("enough")
    assert isinstance(told.result(20), Suspended)
    second = ListHandler()
    end = group_run(host, claim, chain("a", "b", "c"), second).execute()
    assert (end.state, end.error) == (GroupState.REVERTED, "enough")
    assert second.calls == ["revert b", "revert a"]


def test_a_job_that_takes_too_long_has_failed(claim: Claim, host: FlowHost) -> None:
    handler, _, gate = waiting_at("b")
    policy = Policy(job_seconds=0.2)
    end = group_run(host, claim, chain("a", "b"), handler, policy=policy).execute()
    assert end.state is GroupState.REVERTED
    assert "job b was not done after 0.2 s" in end.error
    assert handler.calls[2:] == ["revert b", "revert a"]
    assert gate.cancelled()


def test_what_is_to_be_kept_is_not_reverted_and_is_told_of(
    claim: Claim, host: FlowHost, store: Store
) -> None:
    handler = ListHandler(fails=("c",))
    policy = Policy(keeps=lambda job: job.id == "a")
    end = group_run(host, claim, chain("a", "b", "c"), handler, policy=policy).execute()
    assert handler.calls[3:] == ["revert c", "revert b"]
    assert end.state is GroupState.FAILURE
    assert [job.id for job in end.course if "kept" in job.error] == ["a"]
    assert [item.key for item in store.range("/made/").items] == ["/made/a"]


def test_a_flow_whose_jobs_have_changed_is_not_run(claim: Claim, host: FlowHost) -> None:
    handler, reached, _ = waiting_at("b")
    run = group_run(host, claim, chain("a", "b", "c"), handler)
    told = started(run)
    assert reached.wait(20)
    run.suspend(Suspended("stopping"))
    assert isinstance(told.result(20), Suspended)
    for changed in (chain("a", "b"), chain("a", "b", "d"), chain("b", "a", "c")):
        with pytest.raises(DefinitionChanged, match="not those its flow was begun with"):
            group_run(host, claim, changed, ListHandler())
    assert group_run(host, claim, chain("a", "b", "c"), ListHandler()).execute()


def test_many_that_end_together_cost_one_write(claim: Claim, host: FlowHost, store: Store) -> None:
    """A fan of 100: one transaction before they start, one for all their ends."""
    jobs = [make_job(f"j{n:02}", first=n == 0, last=n == 99) for n in range(100)]
    ensure_groups_book(store)
    run = group_run(host, claim, jobs, ListHandler(), is_new=True)
    before = store.range(keys.CLAIMS).revision
    assert run.execute().state is GroupState.SUCCESS
    # each end brings a document of its own here, so that two are needed for them
    assert store.range(keys.CLAIMS).revision - before <= 1 + 2 + 1


@pytest.mark.parametrize(
    ("what", "kept"),
    [((), []), (("list",), ["a", "b"]), (("list:network",), ["a", "b"]), (("list:port",), [])],
)
def test_what_is_kept_can_be_said_by_handler_and_resource_type(
    what: tuple[str, ...], kept: list[str]
) -> None:
    keeps = keeping(what)
    assert [job.id for job in chain("a", "b") if keeps(job)] == kept


def ended(run: GroupRun) -> FlowEnd | Exception:
    told: Future[FlowEnd | Exception] = Future()
    run.start(told.set_result)
    return told.result(20)


def test_jobs_that_wait_for_each_other_end_their_run(claim: Claim, host: FlowHost) -> None:
    jobs = [make_job("a", after=("b",)), make_job("b", after=("a",))]
    assert isinstance(ended(group_run(host, claim, jobs, ListHandler())), Exception)


@pytest.mark.parametrize("yielded", [None, 5])
def test_a_handler_that_waits_for_no_future_fails_its_job(
    claim: Claim, host: FlowHost, yielded: Any
) -> None:
    class Odd(ListHandler):
        def execute(self, job: Job, run: Any) -> Any:
            if job.id == "b":
                yield yielded
            return (yield from super().execute(job, run))

    handler = Odd()
    end = ended(group_run(host, claim, chain("a", "b"), handler))
    assert isinstance(end, FlowEnd)
    assert (end.state, end.failed_job) == (GroupState.REVERTED, "b")
    assert handler.calls[-1] == "revert a"


@pytest.mark.parametrize("seconds", [3600.0, 1e12])
def test_what_has_ended_in_time_is_let_go_of(claim: Claim, host: FlowHost, seconds: float) -> None:
    policy = Policy(job_seconds=seconds)
    run = group_run(host, claim, chain("a", "b"), ListHandler(), policy=policy)
    assert isinstance(ended(run), FlowEnd)
    gone = weakref.ref(run)
    del run
    for _ in range(2):  # the loop's last call is still in its hands
        passed = threading.Event()
        host.loop.call(passed.set)
        assert passed.wait(20)
    for _ in range(4):
        host.pool.submit(int).result(20)
    gc.collect()
    assert gone() is None
