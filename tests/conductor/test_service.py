"""The conductor as a whole, on a real etcd."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from esi_flows.conductor.service import Conductor
from esi_flows.model import keys
from esi_flows.model.groups import GroupState
from esi_flows.model.jobs import Job
from esi_flows.store.base import Store
from tests.conductor.conftest import MakeConductor, World, network, port
from tests.plugins import ListHandler


def test_a_new_intent_becomes_state_and_leaves_no_jobs(world: World, conductor: Conductor) -> None:
    world.want(network("n1"))
    state = world.state(network("n1"))
    assert state["error"] == ""
    assert state["state"]["worker_state"] == "CREATE_COMPLETED"
    assert world.store.range(keys.JOBS).items == ()
    assert world.store.range(keys.JOB_STATE).items == ()
    assert world.store.range(f"{keys.PERSISTENCE}flows/").items == ()
    assert world.read(keys.claim("network:n1:1")) is None
    assert world.read(keys.memo(network("n1")))["version"] == 1


def test_the_end_of_a_group_is_one_revision(world: World, conductor: Conductor) -> None:
    world.want(network("n1"))
    world.state(network("n1"))
    written = {
        key: found.mod_revision
        for key in (keys.state(network("n1")), keys.group("network:n1:1"))
        if (found := world.store.get(key)) is not None
    }
    assert len(set(written.values())) == 1


def test_jobs_are_stored_in_the_recorded_form(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate
    world.want(network("n1"))
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    stored = [world.read(item.key) for item in world.store.range(keys.JOBS).items]
    gate.set_result(None)
    by_handler = {handler: job for handler, job, zero in stored}
    assert [zero for _, _, zero in stored] == [0, 0]
    assert by_handler["heat_worker"]["is_first"]
    assert by_handler["monitoring_worker"]["is_last"]
    assert by_handler["monitoring_worker"]["dependency"] == [by_handler["heat_worker"]["id"]]


def test_what_needs_no_job_is_read(world: World, conductor: Conductor) -> None:
    path = keys.ResourcePath("v2.0/tags", "t")
    world.want(path)
    assert world.state(path)["state"] == {"worker_state": "READ_COMPLETE"}
    assert world.store.range(keys.GROUPS).items == ()


def test_a_reader_waits_for_what_it_reads(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    gate: Future[None] = Future()
    started = threading.Event()

    def wait(job: Job) -> Future[Any] | None:
        started.set()
        return gate if job.resource_type == "network" else None

    heat.waits_for = wait
    world.want(network("n1"))
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    assert started.wait(20)
    assert world.group("port:p1:1").state is GroupState.PENDING
    assert len(world.group("port:p1:1").waits_for) == 1
    gate.set_result(None)
    assert world.state(port("p1"))["error"] == ""
    assert world.group("network:n1:1").ended_at <= world.group("port:p1:1").started_at


def test_a_failure_is_reverted_and_cancels_who_waits(
    world: World, heat: ListHandler, monitoring: ListHandler, conductor: Conductor
) -> None:
    gate: Future[None] = Future()
    monitoring.waits_for = lambda job: gate
    world.want(network("n1"))
    world.want(port("p1"), network_id="n1")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    monitoring.fails = tuple(
        job_id for job_id in world.group("network:n1:1").job_ids if "monitoring" in job_id
    )
    gate.set_result(None)
    cancelled = world.state(port("p1"))
    failed = world.state(network("n1"))
    assert failed["state"]["worker_state"] == "CREATE_FAILED"
    assert failed["error"] == f"no luck with {monitoring.fails[0]}"
    assert cancelled["state"]["worker_state"] == "CREATE_FAILED"
    assert cancelled["error"] == f"canceled: {monitoring.fails[0]}"
    assert [call.split()[0] for call in heat.calls] == ["execute", "revert"]
    assert world.group("port:p1:1").state is GroupState.CANCELLED
    assert world.store.range(keys.JOBS).items == ()


def test_a_newer_version_is_a_modify_group_that_comes_after(
    world: World, monitoring: ListHandler, conductor: Conductor
) -> None:
    world.want(network("n1"))
    world.state(network("n1"))
    world.want(network("n1"), 2)
    state = world.state(network("n1"), 2)
    assert state["state"]["worker_state"] == "CREATE_COMPLETED"  # the last job's action
    assert [call.split(":")[0] for call in monitoring.calls] == [
        "execute create",
        "execute delete",
        "execute create",
    ]


def test_two_step_deletion_ends_with_nothing_left(world: World, conductor: Conductor) -> None:
    path = port("p1")
    world.want(network("n1"))
    world.want(path, network_id="n1")
    world.state(path)
    world.want(path, 2, deleted=True, network_id="n1")
    assert world.state(path, 2)["state"]["worker_state"] == "DELETE_COMPLETED"
    assert world.read(keys.memo(path))["deleted"] is True
    world.store.delete(keys.config(path))
    world.until(keys.memo(path), lambda d: d is None)


def test_bad_documents_are_quarantined_and_harm_nobody(world: World, conductor: Conductor) -> None:
    world.store.put(keys.config(network("bad")), b"{no json")
    world.store.put(keys.config(keys.ResourcePath("v2.0/unheard", "x")), b'{"body":{},"version":1}')
    world.want(network("good"))
    assert world.state(network("good"))["error"] == ""
    note = world.until(
        keys.quarantine(keys.config(network("bad"))),
        lambda d: d is not None and "JSON" in d["reason"],
    )
    assert note["hint"]
    world.want(network("bad"))
    assert world.state(network("bad"))["error"] == ""
    world.until(keys.quarantine(keys.config(network("bad"))), lambda d: d is None)


def test_what_refers_to_something_missing_is_compiled_once_it_appears(
    world: World, conductor: Conductor
) -> None:
    world.want(port("p1"), network_id="n1")
    refused = world.state(port("p1"))
    assert refused["state"]["worker_state"] == "CREATE_FAILED"
    assert "network:n1" in refused["error"]
    world.want(network("n1"))
    done = world.until(keys.state(port("p1")), lambda d: d["error"] == "")
    assert done["state"]["worker_state"] == "CREATE_COMPLETED"


def test_what_was_wanted_while_no_conductor_ran_is_done_in_order(
    world: World, make_conductor: MakeConductor
) -> None:
    world.want(network("n1"))
    world.want(port("p1"), network_id="n1")
    make_conductor()
    assert world.state(port("p1"))["error"] == ""
    assert len(world.group("port:p1:1").waits_for) == 1


def test_a_stopped_conductor_hands_its_groups_over(
    world: World, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate
    first = make_conductor()
    world.want(network("n1"))
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    first.stop()
    assert world.read(keys.claim("network:n1:1")) is None
    assert world.group("network:n1:1").state is GroupState.PENDING

    heat.waits_for = lambda job: None
    make_conductor()
    assert world.state(network("n1"))["error"] == ""
    assert world.group("network:n1:1").attempts == 2
    assert len(heat.recovering) == 1
    first_started = world.group("network:n1:1").started_at
    assert first_started > 0


def test_two_conductors_share_the_work_and_never_run_a_group_twice(
    world: World, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    make_conductor()
    make_conductor()
    for i in range(20):
        world.want(network(f"n{i}"))
    for i in range(20):
        assert world.state(network(f"n{i}"))["error"] == ""
    assert len(heat.calls) == len(set(heat.calls)) == 20
    assert all(world.group(f"network:n{i}:1").attempts == 1 for i in range(20))


def test_a_lost_lease_makes_the_conductor_start_over(
    world: World, store: Store, conductor: Conductor
) -> None:
    world.want(network("n1"))
    world.state(network("n1"))
    old = conductor.id
    lease = next(i.lease for i in store.range(keys.CONDUCTORS).items if i.key.endswith(old))
    store.revoke(lease)
    world.want(network("n2"))
    assert world.state(network("n2"))["error"] == ""
    assert conductor.id != old


def test_a_correction_posted_while_the_faulty_version_runs_is_carried_out(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate if job.version == 1 else None
    world.want(network("n1"))
    world.until(keys.job_state(network("n1")), lambda d: d == {})
    heat.fails = tuple(job_id for job_id in world.group("network:n1:1").job_ids)
    world.want(network("n1"), 2)
    world.until(keys.group("network:n1:2"), lambda d: d is not None)
    gate.set_result(None)
    assert world.state(network("n1"), 2)["error"] == ""
    assert world.group("network:n1:1").state is GroupState.REVERTED
