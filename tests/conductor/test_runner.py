"""Groups that cannot be run are given up: with a reason, without traces, without harm to others."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.conductor.service import Conductor
from esi_flows.handlers.base import Outcome, Run, Steps
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, Job, ResourceRef
from esi_flows.store.base import Put
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

    heat.execute = Much().execute  # type: ignore[method-assign]
    world.want(network("n1"))
    assert "can be kept" in world.state(network("n1"))["error"]
    assert world.group(GROUP).attempts == 1
