from __future__ import annotations

from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.board import Board
from esi_flows.deployments.progress import Followed, Phase, ResourceProgress, totals
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord, GroupState, JobCourse
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.model.results import State
from esi_flows.store.base import KeyValue

NETWORK = ResourceRef("network", "n1")
PORT = ResourceRef("port", "p1")
HEAT = "create:heat_worker:port:p1:1:aaaaa"
MONITORING = "create:monitoring_worker:port:p1:1:bbbbb"
NETWORK_JOB = "create:heat_worker:network:n1:1:ccccc"


class Documents:
    """Documents as a cache holds them, each write a revision later than the one before."""

    def __init__(self) -> None:
        self._found: dict[str, KeyValue] = {}
        self._revision = 0

    def get(self, key: str) -> KeyValue | None:
        return self._found.get(key)

    def put(self, key: str, value: bytes) -> str:
        self._revision += 1
        self._found[key] = KeyValue(key, value, self._revision, self._revision)
        return key


class World:
    def __init__(self, catalog: Catalog) -> None:
        self.documents = Documents()
        self._catalog = catalog
        self.intent(1)
        followed = [Followed(PORT, 1)]
        self.board = Board(self.documents.get, catalog, followed, clock=lambda: 50.0)

    def intent(self, version: int) -> None:
        key = keys.config(self._catalog.path(PORT))
        self.documents.put(key, Intent({"id": "p1"}, version).encode())

    def state(self, version: int, worker_state: str, error: str = "") -> str:
        state = State(version=version, worker_state=worker_state, error=error)
        return self.documents.put(keys.state(self._catalog.path(PORT)), state.encode())

    def group(self, state: GroupState = GroupState.PENDING, **changes: Any) -> str:
        record = GroupRecord(
            name="port:p1:1",
            action=Action.CREATE,
            resource=PORT,
            version=1,
            job_ids=(HEAT, MONITORING),
            posted_at=100.0,
            state=state,
        )
        return self.documents.put(keys.group(record.name), record.but(**changes).encode())

    def network_group(self, state: GroupState) -> str:
        record = GroupRecord(
            name="network:n1:1",
            action=Action.CREATE,
            resource=NETWORK,
            version=1,
            job_ids=(NETWORK_JOB,),
            state=state,
        )
        return self.documents.put(keys.group(record.name), record.encode())

    def atom(self, job_id: str, state: str, **members: Any) -> str:
        document = {"v": 1, "name": job_id, "state": state, **members}
        key = f"{keys.PERSISTENCE}flows/b1/f1/atoms/{job_id[-5:]}"
        return self.documents.put(key, codec.dumps(document))

    def after(self, *changed: str) -> ResourceProgress:
        self.board.update(changed)
        return self.board.resources[PORT]


@pytest.fixture
def world(catalog: Catalog) -> World:
    return World(catalog)


def phases(progress: ResourceProgress) -> list[Phase]:
    return [job.phase for job in progress.jobs]


def test_an_intent_that_no_conductor_has_seen_waits(world: World) -> None:
    progress = world.after()
    assert (progress.phase, progress.ended, progress.jobs) == (Phase.WAITING, False, ())


def test_a_posted_group_waits_for_jobs_of_groups_that_have_not_ended_well(world: World) -> None:
    world.network_group(GroupState.RUNNING)
    progress = world.after(world.group(waits_for=(NETWORK_JOB,)))
    assert progress.phase is Phase.WAITING
    assert phases(progress) == [Phase.WAITING, Phase.WAITING]
    assert world.board.waiting_on(progress) == (NETWORK_JOB,)
    world.network_group(GroupState.SUCCESS)
    assert world.board.waiting_on(progress) == ()


def test_jobs_of_a_running_group_are_as_their_atoms(world: World) -> None:
    world.after(world.group(GroupState.RUNNING, started_at=101.0))
    world.after(world.atom(HEAT, "SUCCESS"))
    progress = world.after(world.atom(MONITORING, "RUNNING"))
    assert progress.phase is Phase.RUNNING
    assert phases(progress) == [Phase.DONE, Phase.RUNNING]
    assert progress.jobs[1].started_at == 50.0


def test_the_change_of_an_atom_moves_its_resource_once(world: World) -> None:
    world.after(world.group(GroupState.RUNNING))
    key = world.atom(HEAT, "RUNNING")
    assert [p.resource for p in world.board.update([key])] == [PORT]
    assert world.board.update([key]) == []


def test_a_result_ends_it_with_the_times_of_its_record(world: World) -> None:
    course = (
        JobCourse(id=HEAT, state="SUCCESS", started_at=101, ended_at=104, waited_seconds=2.5),
        JobCourse(id=MONITORING, state="SUCCESS", started_at=104, ended_at=105),
    )
    group = world.group(GroupState.SUCCESS, started_at=101.0, ended_at=105.0, course=course)
    progress = world.after(group)
    assert not progress.ended
    progress = world.after(world.state(1, "CREATE_COMPLETED"))
    assert progress.ended
    assert (progress.phase, progress.worker_state) == (Phase.DONE, "CREATE_COMPLETED")
    assert progress.waited_seconds == 1.0
    assert progress.outside_seconds == 2.5
    assert progress.own_seconds == 1.5
    assert progress.total_seconds == 5.0
    assert [job.seconds for job in progress.jobs] == [3.0, 1.0]


def test_what_failed_is_told_from_what_is_reverted_because_of_it(world: World) -> None:
    world.after(world.group(GroupState.RUNNING))
    world.after(world.atom(HEAT, "REVERTING"))
    failure = {"exception_str": "no topic"}
    progress = world.after(world.atom(MONITORING, "REVERTED", failure=failure))
    assert progress.phase is Phase.REVERTING
    assert phases(progress) == [Phase.REVERTING, Phase.FAILED]
    assert progress.jobs[1].error == "no topic"


def test_a_reverted_group_names_the_failed_job(world: World) -> None:
    course = (
        JobCourse(id=HEAT, state="REVERTED"),
        JobCourse(id=MONITORING, state="REVERTED", error="no topic"),
    )
    world.after(
        world.group(
            GroupState.REVERTED, error="no topic", failed_job=MONITORING, ended_at=1, course=course
        )
    )
    progress = world.after(world.state(1, "CREATE_FAILED", "no topic"))
    assert (progress.phase, progress.phase.bad, progress.error) == (
        Phase.REVERTED,
        True,
        "no topic",
    )
    assert phases(progress) == [Phase.REVERTED, Phase.FAILED]


def test_an_ignored_failure_is_shown_as_one(world: World) -> None:
    course = (JobCourse(id=HEAT, state="SUCCESS", error="gone already"),)
    world.after(world.group(GroupState.SUCCESS, job_ids=(HEAT,), course=course))
    progress = world.after(world.state(1, "CREATE_COMPLETED"))
    assert progress.phase is Phase.DONE
    assert phases(progress) == [Phase.IGNORED]


def test_a_cancelled_group_never_ran(world: World) -> None:
    world.after(world.group(GroupState.CANCELLED, error="canceled: x", ended_at=103.0))
    progress = world.after(world.state(1, "CREATE_FAILED", "canceled: x"))
    assert progress.phase is Phase.CANCELLED
    assert phases(progress) == [Phase.NOT_RUN, Phase.NOT_RUN]
    assert (progress.waited_seconds, progress.own_seconds) == (3.0, 0.0)


def test_a_resource_that_needs_no_work_ends_with_its_state(world: World) -> None:
    progress = world.after(world.state(1, "READ_COMPLETE"))
    assert (progress.phase, progress.ended, progress.jobs) == (Phase.DONE, True, ())


def test_the_state_of_an_older_version_ends_nothing(world: World) -> None:
    assert not world.after(world.state(0, "READ_COMPLETE")).ended


def test_the_record_of_an_earlier_life_does_not_count(world: World) -> None:
    key = world.group(GroupState.SUCCESS)
    world.intent(1)
    progress = world.after(key)
    assert (progress.phase, progress.jobs) == (Phase.WAITING, ())


def test_an_intent_in_quarantine_has_failed_with_the_reason(world: World) -> None:
    key = keys.quarantine("/config/v2.0/ports/p1")
    progress = world.after(world.documents.put(key, b'{"reason": "no such template"}'))
    assert (progress.phase, progress.ended) == (Phase.FAILED, True)
    assert progress.error == "no such template"
    world.intent(2)
    assert world.after(key).phase is Phase.WAITING


@pytest.mark.parametrize("raw", [b"{", b"[]", b"{}", b'{"name": 3}', b'{"name": "x"}'])
def test_atoms_of_any_form_do_no_harm(world: World, raw: bytes) -> None:
    key = world.documents.put(f"{keys.PERSISTENCE}flows/b1/f1/atoms/x", raw)
    assert world.board.update([key]) == []


@pytest.mark.parametrize("key", ["/esi-flows/groups/nonsense", "/config/zzz/p1", "/other"])
def test_keys_of_something_else_move_nothing(world: World, key: str) -> None:
    assert world.board.update([key]) == []


def test_totals_count_by_phase(world: World) -> None:
    assert totals(world.board.resources.values()) == {Phase.WAITING: 1}
