"""Documents that nobody could have written, at every prefix: told of, and nobody else suffers."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.collector.service import Collector
from esi_flows.conductor.service import Conductor
from esi_flows.model import keys
from esi_flows.model.codec import MAX_DEPTH
from esi_flows.model.groups import GroupState
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target
from esi_flows.store.base import Store
from tests.conductor.conftest import MakeConductor, World, network, port
from tests.plugins import ListHandler

ROOTS = (
    keys.CONFIG,
    keys.MEMO,
    keys.HEAT_STACKS,
    keys.JOB_STATE,
    keys.JOBS,
    keys.STATE,
    keys.MONITORING,
    keys.GROUPS,
    keys.CLAIMS,
    keys.CONDUCTORS,
    keys.PERSISTENCE,
    keys.QUARANTINE,
    keys.STACKS,
    keys.TARGETS,
    keys.STEERING,
    keys.HISTORY,
    keys.PINS,
    keys.BEFORE,
)

RAW = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"0",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"a": 1e999}',
    b"[" * (MAX_DEPTH + 50) + b"]" * (MAX_DEPTH + 50),
    b'["heat_worker", {}, 0]',
    b'{"version": 1}',
    b'{"body": {}, "version": "1"}',
    b'{"body": "{", "version": 1, "marked_for_deletion": false}',
    b'{"body": {"id": "x"}, "version": 99999999999999999999, "marked_for_deletion": null}',
)

NAMES = ("x", "v2.0/networks/bad", "v2.0/ports/bad/er", "a:b:c", "a:b:c:d:1:eeeee", "/", "%00\x7f")

QUIET_SECONDS = 0.5


class Seen:
    """A probe to which everything is up."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    async def status(self, target: Target) -> str:
        self.asked.set()
        return "UP"


@pytest.fixture
def collector(store: Store) -> Iterator[Collector]:
    made = Collector(store, Seen(), name="c", interval_seconds=0.05, lease_seconds=2)
    made.start()
    yield made
    made.stop()


def wanted_and_made(world: World, *paths: ResourcePath) -> None:
    for path in paths:
        world.want(path, **({"network_id": "n0"} if "ports" in path.collection else {}))
    for path in paths:
        assert world.state(path)["state"]["worker_state"] == "CREATE_COMPLETED"


def watched(world: World, path: ResourcePath) -> None:
    """The collector does its work: a target is seen and shown."""
    target = Target(
        name="one",
        type="t",
        topic="t",
        resource_type="networks",
        tenant_id="t1",
        version=1,
        properties={},
    )
    world.store.put(keys.target(path, "one"), target.encode())
    world.until(keys.monitoring(path), lambda d: d == {"one": "UP", "version": 1})


def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing spins: with nothing to do, hardly any time of the processor is used."""
    caplog.clear()
    began = time.process_time()
    time.sleep(QUIET_SECONDS)
    assert time.process_time() - began < QUIET_SECONDS / 2
    assert len(caplog.records) < 20, [r.getMessage() for r in caplog.records[:40]]


def no_defects(caplog: pytest.LogCaptureFixture) -> None:
    found = [r for r in caplog.records if r.exc_info or "defect" in r.getMessage()]
    assert not found, [(r.getMessage(), r.__dict__.get("key"), r.exc_text) for r in found]


@pytest.mark.parametrize("root", ROOTS)
def test_garbage_at_a_prefix_harms_nobody(
    root: str,
    world: World,
    conductor: Conductor,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "esi_flows")
    wanted_and_made(world, network("n0"))
    for number, value in enumerate(RAW):
        for name in NAMES:
            world.store.put(f"{root}{name}{number}", value)
    wanted_and_made(world, network("n1"), port("p1"))
    watched(world, network("n1"))
    no_defects(caplog)
    quiet(caplog)
    if root == keys.CONFIG:
        for number in range(len(RAW)):
            refused = keys.quarantine(f"{keys.CONFIG}v2.0/networks/bad{number}")
            assert world.read(refused)["reason"]


def test_a_claim_that_no_lease_will_end_holds_nobody_up(world: World, conductor: Conductor) -> None:
    for name in (keys.READER_ROLE, "network:n0:1"):
        world.store.put(keys.claim(name), b"{}")
    wanted_and_made(world, network("n0"))


def test_a_record_under_another_key_ends_no_group(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    gate: Future[None] = Future()
    heat.waits_for = lambda job: gate if job.resource.id == "n0" else None
    world.want(network("n0"))
    world.want(port("p1"), network_id="n0")
    world.until(keys.group("port:p1:1"), lambda d: d is not None)
    ended = world.group("network:n0:1").but(state=GroupState.SUCCESS)
    world.store.put(keys.group("odd"), ended.encode())
    world.want(network("n1"))
    assert world.state(network("n1"))["error"] == ""
    assert world.group("port:p1:1").state is GroupState.PENDING
    gate.set_result(None)
    assert world.state(port("p1"))["error"] == ""


def mutants(document: Any, chance: random.Random) -> Iterator[Any]:
    """The document with one member after the other gone, or something else."""
    odd = [None, True, -1, 1.5, "", "odd", [], ["odd"], {}, {"odd": "odd"}]
    if isinstance(document, dict):
        for name, value in document.items():
            yield {n: v for n, v in document.items() if n != name}
            yield {**document, name: chance.choice(odd)}
            if isinstance(value, dict | list):
                yield from ({**document, name: mutant} for mutant in mutants(value, chance))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield document[:index] + document[index + 1 :]
            yield [*document[:index], chance.choice(odd), *document[index + 1 :]]
            for mutant in mutants(value, chance):
                yield [*document[:index], mutant, *document[index + 1 :]]


@pytest.mark.parametrize("seed", range(4))
def test_documents_that_are_almost_right_harm_nobody(
    seed: int,
    world: World,
    make_conductor: MakeConductor,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every document of a resource that was ever made, each a little wrong, as another's."""
    caplog.set_level(logging.INFO, "esi_flows")
    chance = random.Random(seed)
    watch = world.store.watch("/", start_revision=world.store.range("/x/").revision + 1)
    first = make_conductor()
    wanted_and_made(world, network("n0"))
    world.store.put("/end", b"1")
    made: dict[str, Any] = {}
    for batch in watch:
        for event in batch.events:
            if event.value is not None and event.key.startswith(ROOTS):
                made[event.key] = json.loads(event.value or b"null")
        if any(event.key == "/end" for event in batch.events):
            watch.cancel()
    first.stop()
    make_conductor()
    for key, document in made.items():
        for number, mutant in enumerate(mutants(document, chance)):
            text = json.dumps(mutant)
            if chance.random() < 0.7:
                text = text.replace("n0", f"odd{number}")
            world.store.put(key.replace("n0", f"odd{number}"), text.encode())
    wanted_and_made(world, network("n1"), port("p1"))
    watched(world, network("n1"))
    no_defects(caplog)
    quiet(caplog)
