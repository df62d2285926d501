"""The poller: it tells each who waits, once, and nothing it meets ends it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from keystoneauth1 import session, token_endpoint

from esi_flows.handlers.base import Run
from esi_flows.handlers.heat.client import Clouds, Heat, HeatRejected, Stack, StackRequest
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.handlers.heat.poller import STALE_SECONDS, StackPoller, _Watched
from esi_flows.model.errors import HandlerError, HandlerTimeout
from esi_flows.model.jobs import Action
from esi_flows.sandbox.cloud import Cloud
from esi_flows.sandbox.faults import Fault, FaultKind
from esi_flows.sandbox.journal import Entry
from tests.handlers.conftest import HOT, MakeJob, drive

NAME = "network_n1"
ELSEWHERE = "b" * 32


@pytest.fixture
def poller(clouds: Clouds) -> Iterator[StackPoller]:
    running = StackPoller(clouds, min_seconds=0.02, max_seconds=0.1)
    running.start()
    yield running
    running.stop()


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def create(heat: Heat) -> None:
    heat.create(NAME, StackRequest(HOT, {"name": "n1"}, 5))


def test_a_stack_is_told_once_it_is_done(heat: Heat, poller: StackPoller, project: str) -> None:
    create(heat)
    stack = poller.settled(project, NAME, deadline=soon()).result(20)
    assert stack is not None
    assert stack.status == "CREATE_COMPLETE"


def test_a_stack_that_is_gone_is_told_as_none(
    heat: Heat, poller: StackPoller, project: str
) -> None:
    create(heat)
    stack = poller.settled(project, NAME, deadline=soon()).result(20)
    assert stack is not None
    heat.delete(stack)
    gone = poller.settled(project, NAME, deadline=soon(), before=stack, deleting=True)
    assert gone.result(20) is None


def test_each_who_waits_for_the_same_stack_is_told(
    heat: Heat, poller: StackPoller, project: str
) -> None:
    create(heat)
    waiting = [poller.settled(project, NAME, deadline=soon()) for _ in range(3)]
    assert len({future.result(20) for future in waiting}) == 1


def test_after_the_deadline_it_says_what_the_stack_is(
    heat: Heat, poller: StackPoller, project: str
) -> None:
    create(heat)
    done = poller.settled(project, NAME, deadline=soon()).result(20)
    assert done is not None
    # told to be deleted, which nobody asked Heat for
    future = poller.settled(project, NAME, deadline=soon(0.2), deleting=True)
    with pytest.raises(HandlerTimeout, match="its status is CREATE_COMPLETE"):
        future.result(20)


def test_the_deadline_holds_while_heat_is_away(
    cloud: Cloud, poller: StackPoller, project: str
) -> None:
    cloud.stop()
    future = poller.settled(project, NAME, deadline=soon(0.2))
    with pytest.raises(HandlerTimeout, match="not known"):
        future.result(20)


def test_who_waits_no_more_is_forgotten(
    cloud: Cloud, heat: Heat, poller: StackPoller, project: str
) -> None:
    future = poller.settled(project, NAME, deadline=soon(), deleting=True)
    future.cancel()
    poller.later(0.3).result(20)
    asked = len(cloud.requests(contains="stacks"))
    poller.later(0.3).result(20)
    assert len(cloud.requests(contains="stacks")) == asked


def test_nothing_is_asked_while_nobody_waits(cloud: Cloud, poller: StackPoller) -> None:
    poller.later(0.2).result(20)
    assert cloud.requests(contains="stacks") == []


def test_timers_ring_in_their_order(poller: StackPoller) -> None:
    rung: list[float] = []
    futures = {poller.later(seconds): seconds for seconds in (0.2, 0.05)}
    for future in futures:
        future.add_done_callback(lambda done: rung.append(futures[done]))
    for future in futures:
        future.result(20)
    assert rung == [0.05, 0.2]


def test_the_old_status_after_an_update_is_not_taken_for_the_new(
    handler: HeatHandler, run: Run, job: MakeJob, cloud: Cloud
) -> None:
    drive(handler.execute(job(), run))
    drive(handler.execute(job(Action.MODIFY, flavour="cold"), run))
    cloud.faults.add(Fault(kind=FaultKind.STALE, stack=NAME, seconds=0.3, times=1))
    outcome = drive(handler.execute(job(Action.MODIFY, flavour="hot"), run))
    outputs = {o["output_key"]: o["output_value"] for o in outcome.job_state["heat_outputs"]}
    assert outputs["flavour"] == "hot"


def test_many_stacks_are_watched_with_one_list_call_a_tick(
    poller: StackPoller, cloud: Cloud
) -> None:
    waits = [poller.settled("p", f"gone_{i}", deadline=soon(), deleting=True) for i in range(200)]
    assert [wait.result(20) for wait in waits] == [None] * 200
    assert len(lists(cloud)) <= 2


def test_few_stacks_are_asked_for_by_their_names(poller: StackPoller, cloud: Cloud) -> None:
    assert poller.settled("p", "gone", deadline=soon(), deleting=True).result(20) is None
    assert {entry.query for entry in lists(cloud)} == {"tenant=p&name=gone"}


def test_a_stack_of_that_name_in_another_project_is_not_taken_for_ours(
    clouds: Clouds, heat: Heat, poller: StackPoller, project: str
) -> None:
    create(clouds.project(ELSEWHERE))
    assert poller.settled(ELSEWHERE, NAME, deadline=soon()).result(20) is not None
    assert poller.settled(project, NAME, deadline=soon()).result(20) is None


def lists(cloud: Cloud) -> list[Entry]:
    return [e for e in cloud.requests(method="GET") if e.path.endswith("/stacks")]


class Broken(Exception):
    """What no library has said it would raise."""


@pytest.mark.parametrize("error", [Broken("odd"), HeatRejected("no such project")])
def test_a_project_that_cannot_be_asked_fails_its_own_and_no_other(
    clouds: Clouds, heat: Heat, project: str, error: Exception
) -> None:
    make_session = clouds._make_session

    def make(project_id: str) -> Any:
        if project_id == ELSEWHERE:
            raise error
        return make_session(project_id)

    poller = StackPoller(Clouds(make, **clouds._options), min_seconds=0.02, max_seconds=0.1)
    poller.start()
    create(heat)
    bad = poller.settled(ELSEWHERE, NAME, deadline=soon())
    good = poller.settled(project, NAME, deadline=soon())
    with pytest.raises(HandlerError, match=str(error)):
        bad.result(20)
    assert good.result(20) is not None
    poller.stop()


def test_a_project_whose_list_hangs_delays_no_other(
    clouds: Clouds, heat: Heat, project: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        def make(project_id: str) -> Any:
            if project_id != ELSEWHERE:
                return clouds._make_session(project_id)
            return session.Session(auth=token_endpoint.Token(url, "t"), timeout=60)

        poller = StackPoller(Clouds(make, **clouds._options), min_seconds=0.02, max_seconds=0.1)
        poller.start()
        hanging = poller.settled(ELSEWHERE, NAME, deadline=soon())
        asked, _ = silent.accept()
        create(heat)
        assert poller.settled(project, NAME, deadline=soon()).result(20) is not None
        assert not hanging.done()
        hanging.cancel()
    asked.close()
    poller.stop()


def stack(status: str, updated_at: str = "") -> Stack:
    return Stack("1", NAME, status, "", updated_at)


def test_the_failure_of_an_earlier_deletion_is_not_taken_for_that_of_this_one() -> None:
    failed = stack("DELETE_FAILED", "then")
    watched = _Watched(NAME, failed, deleting=True, deadline=0.0)
    now = time.monotonic()
    assert not watched.settles(failed, now)
    assert watched.settles(failed, now + STALE_SECONDS + 1)  # nothing else has come: it is new
    assert not watched.settles(stack("DELETE_IN_PROGRESS", "then"), now)
    assert watched.settles(failed, now)
    assert watched.settles(None, now)


@pytest.mark.parametrize(
    ("before", "seen", "settled"),
    [
        (None, "CREATE_COMPLETE", True),
        (None, "CREATE_FAILED", True),
        (None, "UPDATE_IN_PROGRESS", False),
        ("CREATE_COMPLETE", "CREATE_COMPLETE", False),
        ("CREATE_COMPLETE", "UPDATE_COMPLETE", True),
        ("CREATE_COMPLETE", "UPDATE_FAILED", True),
    ],
)
def test_the_end_of_an_action_is_told_from_what_was_before(
    before: str | None, seen: str, settled: bool
) -> None:
    old = stack(before) if before is not None else None
    watched = _Watched(NAME, old, deleting=False, deadline=0.0)
    assert watched.settles(stack(seen), time.monotonic()) is settled
