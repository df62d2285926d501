"""What is planned is what happens: the same jobs, waits, reverts and cancellations.

Deployments are made up at random, planned, and then run by a conductor whose handlers only take
notes. Jobs are held back until all groups of a step have been posted: otherwise what ends early
need not be waited for, and there would be fewer dependencies than planned.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.deployments.apply import Applier
from esi_flows.deployments.follow import Follower
from esi_flows.deployments.progress import Followed, Phase
from esi_flows.deployments.types import Deployment
from esi_flows.handlers.base import Run, Steps
from esi_flows.model import keys
from esi_flows.model.jobs import Job, ResourceRef, group_name
from esi_flows.planning.planner import plan_deployment
from esi_flows.planning.types import Change, Plan
from esi_flows.store.base import Store
from tests.planning.conftest import deployment, wanted
from tests.plugins import ListHandler

Jobs = dict[str, tuple[str, frozenset[str]]]
"""By id without its random end: on_failure, and the ids of the dependencies likewise."""


class Gate:
    """Keeps jobs waiting until it is opened; may be closed again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False
        self._held: list[Future[None]] = []

    def wait(self, job: Job) -> Future[Any]:
        future: Future[None] = Future()
        with self._lock:
            if self._open:
                future.set_result(None)
            else:
                self._held.append(future)
        return future

    def open(self) -> None:
        with self._lock:
            self._open, held, self._held = True, self._held, []
        for future in held:
            future.set_result(None)

    def close(self) -> None:
        with self._lock:
            self._open = False


class Notes(ListHandler):
    """Also keeps the jobs themselves, and fails those whose group it is told to fail."""

    def __init__(self, gate: Gate, noted: Jobs, calls: list[str]) -> None:
        super().__init__(waits_for=gate.wait)
        self.noted = noted
        self.calls = calls
        self.fail = ""

    def execute(self, job: Job, run: Run) -> Steps:
        self.noted[_bare(job.id)] = (job.on_failure, frozenset(map(_bare, job.dependency)))
        if _bare(job.id) == self.fail:
            self.fails = (job.id,)
        return super().execute(job, run)


def _bare(job_id: str) -> str:
    return job_id.rpartition(":")[0]


class Stage:
    """A conductor on an etcd, whose jobs go on when told."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog
        self._gate = Gate()
        self.noted: Jobs = {}
        self.calls: list[str] = []
        self.handlers = {
            name: Notes(self._gate, self.noted, self.calls)
            for name in ("heat_worker", "monitoring_worker")
        }
        self._conductor = Conductor(
            store, catalog, self.handlers, ConductorSettings(lease_seconds=5)
        )

    def run(self, wanted: Deployment) -> dict[ResourceRef, Phase]:
        """Run step by step, up to one that fails; what has come of each resource."""
        applier = Applier(self._store, self._catalog, wanted)
        phases: dict[ResourceRef, Phase] = {}
        with Follower(self._store, self._catalog) as follower:
            for index in range(len(wanted.steps)):
                followed = self.post(applier, index)
                self._gate.open()
                board = follower.follow(followed, show=lambda board, moved: None)
                phases.update((r, p.phase) for r, p in board.resources.items())
                if any(phase.bad for phase in phases.values()):
                    break
        return phases

    def post(self, applier: Applier, index: int) -> list[Followed]:
        """Apply a step; all its groups are posted then, and no job gets further than its start."""
        self._gate.close()
        applied = applier.apply_step(index)
        followed = [Followed(d.wanted.resource, d.version) for d in applied.open]
        self._until_posted(followed)
        return followed

    def _until_posted(self, followed: list[Followed]) -> None:
        """Until everything has been compiled: each accepted intent has a memo of its version."""
        left = {
            keys.memo(self._catalog.path(f.resource)): f'"version":{f.version}}}'.encode()
            for f in followed
        }
        listing = self._store.range(keys.MEMO)
        for item in listing.items:
            if item.value.endswith(left.get(item.key, b"none")):
                del left[item.key]
        watch = self._store.watch(keys.MEMO, start_revision=listing.revision + 1)
        timer = threading.Timer(20, watch.cancel)
        timer.start()
        try:
            batches = iter(watch)
            while left:
                for event in next(batches).events:
                    if event.value is not None and event.value.endswith(left.get(event.key, b"-")):
                        del left[event.key]
        finally:
            timer.cancel()
            watch.cancel()

    def __enter__(self) -> Stage:
        self._conductor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._conductor.stop()


@pytest.fixture
def stage(store: Store, catalog: Catalog) -> Iterator[Stage]:
    with Stage(store, catalog) as stage:
        yield stage


def made_up(chance: random.Random) -> Deployment:
    """Some networks, ports in them and tags on these; later steps change some of them."""
    networks = [ResourceRef("network", f"n{n}") for n in range(chance.randint(1, 3))]
    ports = [ResourceRef("port", f"p{n}") for n in range(chance.randint(1, 5))]
    homes = {port: chance.choice(networks).id for port in ports}
    step = [
        *(wanted(network, name=network.id, vlan=1) for network in networks),
        *(wanted(port, network_id=homes[port], address="10.0.0.1") for port in ports),
        wanted(ResourceRef("tag", "t1"), port_id=chance.choice(ports).id),
    ]
    steps = [step]
    for number in range(chance.randint(0, 2)):
        changed = chance.sample(networks, chance.randint(0, len(networks)))
        moved = chance.sample(ports, chance.randint(0 if changed else 1, len(ports)))
        steps.append(
            [
                *(wanted(network, name=f"{network.id}-{number}", vlan=1) for network in changed),
                *(
                    wanted(port, network_id=chance.choice(networks).id, address=f"10.0.{number}.2")
                    for port in moved
                ),
            ]
        )
    return deployment(*steps)


def planned_jobs(plan: Plan) -> Jobs:
    """The jobs of a plan, as the conductor would note them."""
    jobs: Jobs = {}
    for change in plan.changes():
        before: list[str] = []
        waits = [f"{job}:{wait.group}" for wait in change.waits for job in wait.jobs]
        for job in change.jobs:
            name = f"{job.name}:{change.group}"
            jobs[name] = (job.on_failure, frozenset(before or waits))
            before.append(name)
    return jobs


@pytest.mark.etcd
@pytest.mark.parametrize("seed", range(12))
def test_the_planned_jobs_run_with_the_planned_dependencies(
    store: Store, catalog: Catalog, stage: Stage, seed: int
) -> None:
    wanted_now = made_up(random.Random(seed))
    plan = plan_deployment(store, catalog, wanted_now)
    phases = stage.run(wanted_now)
    assert set(phases.values()) == {Phase.DONE}
    assert stage.noted == planned_jobs(plan)
    assert plan_deployment(store, catalog, wanted_now).does_nothing


@pytest.mark.etcd
@pytest.mark.parametrize("seed", range(12))
def test_over_what_is_there_already_it_is_so_too(
    store: Store, catalog: Catalog, stage: Stage, seed: int
) -> None:
    stage.run(made_up(random.Random(100 + seed)))
    stage.noted.clear()
    wanted_now = made_up(random.Random(seed))
    plan = plan_deployment(store, catalog, wanted_now)
    assert set(stage.run(wanted_now).values()) <= {Phase.DONE}
    assert stage.noted == planned_jobs(plan)
    assert plan_deployment(store, catalog, wanted_now).does_nothing


@pytest.mark.etcd
@pytest.mark.parametrize("seed", range(4))
def test_what_has_been_posted_is_told_as_it_was_planned(
    store: Store, catalog: Catalog, stage: Stage, seed: int
) -> None:
    wanted_now = deployment(made_up(random.Random(seed)).steps[0].intents)
    before = plan_deployment(store, catalog, wanted_now)
    stage.post(Applier(store, catalog, wanted_now), 0)
    after = plan_deployment(store, catalog, wanted_now)
    assert planned_jobs(after) == planned_jobs(before)
    for was, change in zip(before.changes(), after.changes(), strict=True):
        if was.jobs:
            assert (change.kind, change.cancels) == (was.kind, was.cancels)
            assert not change.writes
            assert all(job.parameters == () for job in change.jobs)


@pytest.mark.etcd
@pytest.mark.parametrize("seed", range(12))
def test_a_failure_reverts_and_cancels_what_was_planned_for_it(
    store: Store, catalog: Catalog, stage: Stage, seed: int
) -> None:
    chance = random.Random(seed)
    wanted_now = made_up(chance)
    plan = plan_deployment(store, catalog, wanted_now)
    step = chance.choice(plan.steps)
    change = chance.choice([c for c in step.changes if c.jobs])
    job = chance.choice([j for j in change.jobs if j.reverts])
    stage.handlers[job.handler].fail = f"{job.name}:{change.group}"
    phases = stage.run(wanted_now)
    assert phases[change.resource] is Phase.REVERTED
    assert _reverts(stage.calls) == [f"{undo.job}:{change.group}" for undo in job.reverts]
    assert {r for r, phase in phases.items() if phase is Phase.CANCELLED} == _cancelled(change)


def _reverts(calls: list[str]) -> list[str]:
    return [_bare(call.removeprefix("revert ")) for call in calls if call.startswith("revert ")]


def _cancelled(change: Change) -> set[ResourceRef]:
    cancelled = set()
    for group in change.cancels:
        kind, identifier, version = group.split(":")
        resource = ResourceRef(kind, identifier)
        assert group == group_name(resource, int(version))
        cancelled.add(resource)
    return cancelled
