"""Groups that cannot be run are given up: with a reason, without traces, without harm to others."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import pairwise
from typing import Any

import pytest

from esi_flows.conductor.service import Conductor
from esi_flows.handlers.base import Outcome, Run, Steps
from esi_flows.model import keys
from esi_flows.model.errors import NoSpace
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, Job, ResourceRef
from esi_flows.store.base import Compare, Op, Put, Store, Txn
from esi_flows.store.faults import FaultyStore
from tests.conductor.conftest import MakeConductor, World, network
from tests.plugins import ListHandler, make_job

GROUP = "network:n1:1"
JOB = f"create:heat_worker:{GROUP}:abcde"


def post(world: World, job: bytes | None) -> None:
    """A group with one job, as a reader would have posted it."""
    record = GroupRecord(
        name=GROUP,
        action=Action.CREATE,
        resource=ResourceRef("network", "n1"),
        version=1,
        job_ids=(JOB,),
    )
    jobs = [Put(keys.job(JOB), job)] if job is not None else []
    world.store.txn([], [*jobs, Put(keys.group(GROUP), record.encode())])


def malformed(**members: Any) -> bytes:
    handler, document, zero = json.loads(make_job(JOB, handler="heat_worker").encode())
    return json.dumps([handler, {**document, **members}, zero]).encode()


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (None, "the job is gone"),
        (b"{no json", "is not JSON"),
        (b"[1,2]", "stored as the list"),
        (malformed(params=[{"resources": 5}]), "member 'type' is missing"),
        (malformed(dependency=[1]), "dependency"),
        (malformed(handler="unheard"), "no handler 'unheard' is installed"),
    ],
    ids=["gone", "text", "list", "params", "dependency", "handler"],
)
def test_a_group_whose_job_cannot_be_read_is_given_up(
    world: World, conductor: Conductor, job: bytes | None, words: str
) -> None:
    post(world, job)
    state = world.state(network("n1"))
    assert state["state"]["worker_state"] == "CREATE_FAILED"
    assert words in state["error"]
    assert world.group(GROUP).state is GroupState.FAILURE
    assert world.read(keys.claim(GROUP)) is None
    assert world.store.range(keys.JOBS).items == ()
    world.want(network("n2"))
    assert world.state(network("n2"))["error"] == ""


def test_garbage_in_the_flow_of_a_group_gives_it_up_and_is_removed(
    world: World, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    heat.waits_for = lambda job: Future()
    first = make_conductor()
    world.want(network("n1"))
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    first.stop()
    for item in world.store.range(keys.PERSISTENCE).items:
        if "/atoms/" in item.key:
            world.store.put(item.key, b"{no json")
    heat.waits_for = lambda job: None
    make_conductor()
    assert world.state(network("n1"))["state"]["worker_state"] == "CREATE_FAILED"
    assert world.store.range(f"{keys.PERSISTENCE}flows/").items == ()
    assert world.store.range(keys.JOB_STATE).items == ()


def test_a_group_that_brings_too_much_ends_and_is_not_tried_for_ever(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    class Much(ListHandler):
        def execute(self, job: Job, run: Run) -> Steps:
            yield from super().execute(job, run)
            return Outcome(job_state={"much": "x" * 2_000_000})

    # the conductor has the plug-in already: what it does is changed, for this test only
    heat.execute = Much().execute  # type: ignore[method-assign]
    world.want(network("n1"))
    assert "can be kept" in world.state(network("n1"))["error"]
    assert world.group(GROUP).attempts == 1


def test_a_group_whose_handler_is_not_installed_here_is_left_for_another_conductor(
    world: World, conductor: Conductor
) -> None:
    job_id = f"create:vnf_worker:{GROUP}:abcde"
    record = GroupRecord(
        name=GROUP,
        action=Action.CREATE,
        resource=ResourceRef("network", "n1"),
        version=1,
        job_ids=(job_id,),
    )
    job = make_job(job_id, handler="vnf_worker")
    world.store.txn(
        [], [Put(keys.job(job_id), job.encode()), Put(keys.group(GROUP), record.encode())]
    )
    world.want(network("n2"))
    assert world.state(network("n2"))["error"] == ""
    assert world.group(GROUP).attempts == 0
    assert conductor.workload().runnable == 1


class FullStore(FaultyStore):
    """An etcd that takes claims, and nothing of a flow, until it is emptied."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda method, arguments: None)
        self.is_full = True
        self.refused: list[float] = []
        self.refused_often = threading.Event()

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        flows = any(
            isinstance(op, Put) and op.key.startswith(f"{keys.PERSISTENCE}flows/") for op in ops
        )
        if self.is_full and flows:
            self.refused.append(time.monotonic())
            if len(self.refused) >= 5:
                self.refused_often.set()
            raise NoSpace("etcd is full")
        return super().txn(compares, ops)


def test_a_group_that_is_interrupted_again_and_again_waits_longer_each_time(
    world: World, make_conductor: MakeConductor
) -> None:
    full = FullStore(world.store)
    conductor = make_conductor(full)
    world.want(network("n1"))
    assert full.refused_often.wait(20)
    first = full.refused[:5]
    pauses = [after - before for before, after in pairwise(first)]
    assert pauses[3] > 2 * pauses[1] > 0.3
    full.is_full = False
    began = time.monotonic()
    conductor.stop()
    assert time.monotonic() - began < 2, "who is told to stop does not wait"
    assert world.read(keys.claim(GROUP)) is None
    make_conductor(full)
    assert world.state(network("n1"))["error"] == ""
