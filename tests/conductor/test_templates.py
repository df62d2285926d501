"""Templates stored in etcd go before those of the folder, from the next compile on."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.conductor.service import Conductor
from esi_flows.conductor.templates import CurrentCatalog
from esi_flows.model import keys
from esi_flows.model.jobs import Job
from esi_flows.model.keys import ResourcePath
from esi_flows.store.etcd import EtcdStore
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import catch_up
from tests.conductor.conftest import MakeConductor, World, network, small_catalog
from tests.plugins import ListHandler


def stored(name: str) -> ResourcePath:
    return ResourcePath(keys.HEAT_TEMPLATE_COLLECTION, name)


def template(name: str, /, version: int = 1, **members: Any) -> bytes:
    body = {
        "id": name,
        "handler": "heat_worker",
        "parameter_mappings": {"title": "Pname"},
        "template_file": "text",
        "watch": [],
        **members,
    }
    # as gohan writes it: the body is a text
    return json.dumps({"body": json.dumps(body), "version": version}).encode()


@pytest.fixture
def ran(heat: ListHandler) -> list[Job]:
    """The heat jobs that were begun, in that order."""
    jobs: list[Job] = []

    def note(job: Job) -> None:
        jobs.append(job)

    heat.waits_for = note
    return jobs


def parameters(jobs: Sequence[Job]) -> list[list[str]]:
    """The names of the parameters of each job."""
    return [[parameter.param for parameter in job.params] for job in jobs]


def test_a_stored_template_takes_the_place_of_the_folders(
    world: World, ran: list[Job], make_conductor: MakeConductor
) -> None:
    world.store.put(keys.config(stored("network")), template("network"))
    make_conductor()
    world.want(network("n1"))
    world.state(network("n1"))
    assert parameters(ran) == [["title"]]


def test_a_template_that_changes_counts_from_the_next_compile_on(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    gate: Future[None] = Future()
    started = threading.Event()
    ran: list[Job] = []

    def wait(job: Job) -> Future[Any] | None:
        ran.append(job)
        started.set()
        return gate if job.version == 1 else None

    heat.waits_for = wait
    world.want(network("n1"))
    assert started.wait(20)
    world.store.put(keys.config(stored("network")), template("network"))
    gate.set_result(None)
    assert world.state(network("n1"))["error"] == ""
    assert len(world.store.range(keys.GROUPS).items) == 1  # what is there is not compiled again
    world.want(network("n1"), 2)
    assert world.state(network("n1"), 2)["error"] == ""
    assert parameters(ran) == [["name"], ["title"]]


def test_a_template_that_is_gone_gives_way_to_the_folders(
    world: World, ran: list[Job], conductor: Conductor
) -> None:
    key = keys.config(stored("network"))
    world.store.put(key, template("network"))
    world.want(network("n1"))
    world.state(network("n1"))
    world.store.delete(key)
    world.want(network("n2"))
    world.state(network("n2"))
    assert parameters(ran) == [["title"], ["name"]]


def test_templates_have_no_state_and_no_memo(world: World, conductor: Conductor) -> None:
    world.store.put(keys.config(stored("network")), template("network"))
    world.want(network("n1"))
    world.state(network("n1"))
    assert world.read(keys.state(stored("network"))) is None
    assert world.read(keys.memo(stored("network"))) is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param(b"{", "is not JSON", id="no JSON"),
        pytest.param(template("network", handler="cold_worker"), "handler", id="handler"),
        pytest.param(template("network", template_file=None), "template_file", id="no text"),
        pytest.param(template("network", parameter_mappings={"a": "X"}), "mapping X", id="mapping"),
        pytest.param(template("network", template_file="{{"), "template network", id="text"),
        pytest.param(template("other"), "'other'", id="another id"),
    ],
)
def test_a_template_that_cannot_be_used_is_quarantined_and_the_rest_goes_on(
    world: World, ran: list[Job], conductor: Conductor, document: bytes, reason: str
) -> None:
    key = keys.config(stored("network"))
    world.store.put(key, document)
    note = world.until(keys.quarantine(key), lambda d: d is not None)
    assert reason in note["reason"]
    world.want(network("n1"))
    assert world.state(network("n1"))["error"] == ""
    assert parameters(ran) == [["name"]]
    world.store.put(key, template("network"))
    world.until(keys.quarantine(key), lambda d: d is None)


def test_who_has_taken_a_catalog_keeps_it(store: EtcdStore) -> None:
    cache = Reflector(store, [keys.CONFIG])
    current = CurrentCatalog(small_catalog(), cache)
    before = current.now
    key = keys.config(stored("port"))
    store.put(key, template("port"))
    catch_up(store, cache, [keys.CONFIG])
    current.take_in(key)
    assert set(before.templates["port"].parameter_mappings) == {"network"}
    assert set(current.now.templates["port"].parameter_mappings) == {"title"}
    assert current.now.types == before.types
    marked: Mapping[str, Any] = {**json.loads(template("port")), "marked_for_deletion": True}
    store.put(key, json.dumps(marked).encode())
    catch_up(store, cache, [keys.CONFIG])
    current.take_in(key)
    assert current.now.templates == before.templates
