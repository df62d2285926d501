"""What a new group waits for is decided by the recorded rules, whatever else is queued."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from esi_flows.compiler.queue import Queue
from esi_flows.model.jobs import Action, Job, OnFailure, Parameter, ResourceRef

A, B, C = (ResourceRef("network", name) for name in "abc")


def job(
    name: str, of: ResourceRef, *, handler: str = "heat_worker", reads: tuple[ResourceRef, ...] = ()
) -> Job:
    return Job(
        id=name,
        job_name=name,
        action=Action.CREATE,
        handler=handler,
        resource_type=of.type,
        resource_id=of.id,
        version=1,
        resource_input={},
        params=(Parameter("p", "value", None, reads),),
        is_first=True,
        is_last=True,
        on_failure=OnFailure.FAIL,
        dependency=(),
    )


def queue_of(*jobs: Job) -> Queue:
    queue = Queue()
    for entry in jobs:
        queue.add(entry)
    return queue


def test_a_reader_waits_for_the_heat_jobs_of_what_it_reads() -> None:
    queue = queue_of(job("heat", A), job("watch", A, handler="monitoring_worker"), job("other", C))
    assert queue.waits_for(B, {A}) == ("heat",)


def test_a_writer_waits_for_every_job_that_reads_it() -> None:
    queue = queue_of(
        job("heat", A, reads=(B, B)),
        job("watch", A, handler="monitoring_worker", reads=(B,)),
        job("other", A, reads=(C,)),
    )
    assert queue.waits_for(B, ()) == ("heat", "watch")


def test_two_changes_of_one_resource_never_overlap() -> None:
    queue = queue_of(job("heat", A), job("watch", A, handler="monitoring_worker"))
    assert queue.waits_for(A, ()) == ("heat", "watch")


def test_nothing_is_added_on_behalf_of_others() -> None:
    queue = queue_of(job("network", A), job("subnet", B, reads=(A,)))
    assert queue.waits_for(C, {B}) == ("subnet",)


def test_finished_jobs_are_waited_for_by_nobody() -> None:
    queue = queue_of(job("one", A, reads=(B,)), job("two", A))
    queue.remove("one")
    queue.remove("never there")
    assert ("one" in queue, "two" in queue, len(queue)) == (False, True, 1)
    assert queue.waits_for(B, {A}) == ("two",)


def test_a_job_added_twice_is_one_job() -> None:
    queue = queue_of(job("one", A), job("one", A))
    queue.remove("one")
    assert list(queue) == []
    assert queue.waits_for(A, ()) == ()


refs = st.sampled_from([A, B, C])


@given(
    st.lists(
        st.tuples(
            refs,
            st.sampled_from(["heat_worker", "monitoring_worker"]),
            st.lists(refs, max_size=3).map(tuple),
        ),
        max_size=12,
    ),
    st.sets(st.integers(0, 11)),
    refs,
    st.frozensets(refs),
)
def test_the_index_answers_like_the_rules_read_aloud(
    entries: list[tuple[ResourceRef, str, tuple[ResourceRef, ...]]],
    finished: set[int],
    me: ResourceRef,
    reads: frozenset[ResourceRef],
) -> None:
    jobs = [job(f"{n:02}", of, handler=h, reads=r) for n, (of, h, r) in enumerate(entries)]
    queue = queue_of(*jobs)
    for number in finished:
        queue.remove(f"{number:02}")
    expected = [
        q.id
        for n, q in enumerate(jobs)
        if n not in finished
        and (
            q.resource == me
            or me in q.references()
            or (q.resource in reads and q.handler == "heat_worker")
        )
    ]
    assert queue.waits_for(me, reads) == tuple(expected)


def test_the_answer_does_not_take_longer_in_a_long_queue() -> None:
    def seconds(queue: Queue) -> float:
        started = time.perf_counter()
        for _ in range(2_000):
            assert queue.waits_for(A, {B}) == ("a", "b")
        return time.perf_counter() - started

    short = queue_of(job("a", A), job("b", B))
    long = queue_of(job("a", A), job("b", B))
    for number in range(20_000):
        long.add(job(f"x{number}", ResourceRef("port", str(number)), reads=(C,)))
    assert min(seconds(long) for _ in range(3)) < 10 * min(seconds(short) for _ in range(3))
