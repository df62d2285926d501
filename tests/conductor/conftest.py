"""A conductor on a real etcd, with a small catalog and handlers that only take notes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord
from esi_flows.model.intents import Intent
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Store
from tests.plugins import ListHandler


def small_catalog() -> Catalog:
    """Networks with heat and monitoring jobs, ports that read networks, tags with no jobs."""
    return Catalog(
        [
            ResourceType(
                type="network",
                prefix="/v2.0",
                plural="networks",
                template_mappings={
                    "heat_worker": "Cnetwork",
                    "monitoring_worker": "Cnetwork_monitoring",
                },
            ),
            ResourceType(
                type="port",
                prefix="/v2.0",
                plural="ports",
                relations={"network_id": "network"},
                template_mappings={"heat_worker": "Cport"},
            ),
            ResourceType(type="tag", prefix="/v2.0", plural="tags"),
        ],
        [
            Template(
                id="network",
                handler="heat_worker",
                parameter_mappings={"name": "Pname"},
                template_file="",
            ),
            Template(
                id="network_monitoring",
                handler="monitoring_worker",
                parameter_mappings={"name": "Pname"},
                template_file="",
            ),
            Template(
                id="port",
                handler="heat_worker",
                parameter_mappings={"network": {"field": "name", "path": ["network_id"]}},
                template_file="",
            ),
        ],
    )


def network(name: str) -> ResourcePath:
    return ResourcePath("v2.0/networks", name)


def port(name: str) -> ResourcePath:
    return ResourcePath("v2.0/ports", name)


class World:
    """What a test does to etcd, and waits for in it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def want(
        self, path: ResourcePath, version: int = 1, *, deleted: bool = False, **body: Any
    ) -> None:
        intent = Intent({"id": path.id, "name": path.id, **body}, version, deleted)
        self.store.put(keys.config(path), intent.encode())

    def read(self, key: str) -> Any:
        found = self.store.get(key)
        return json.loads(found.value) if found is not None else None

    def until(self, key: str, holds: Callable[[Any], bool], seconds: float = 20) -> Any:
        """Watch ``key`` until its document (None: absent) is as wanted."""
        folder = key.rpartition("/")[0] + "/"
        start = self.store.range(folder).revision
        document = self.read(key)
        if holds(document):
            return document
        watch = self.store.watch(folder, start_revision=start + 1)
        timer = threading.Timer(seconds, watch.cancel)
        timer.start()
        try:
            for batch in watch:
                for event in batch.events:
                    if event.key != key:
                        continue
                    document = json.loads(event.value) if event.value is not None else None
                    if holds(document):
                        return document
        finally:
            timer.cancel()
            watch.cancel()
        pytest.fail(f"{key} never became as wanted; it is {self.read(key)}")

    def state(self, path: ResourcePath, version: int = 1) -> Any:
        """The state of a resource once it speaks of that version."""
        return self.until(keys.state(path), lambda d: d is not None and d["version"] >= version)

    def group(self, name: str) -> GroupRecord:
        key = keys.group(name)
        found = self.store.get(key)
        assert found is not None, name
        return GroupRecord.decode(key, found.value)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def heat() -> ListHandler:
    return ListHandler()


@pytest.fixture
def monitoring() -> ListHandler:
    return ListHandler()


MakeConductor = Callable[..., Conductor]


@pytest.fixture
def make_conductor(
    store: Store, heat: ListHandler, monitoring: ListHandler
) -> Iterator[MakeConductor]:
    """Makes conductors, on the store or another one; all are stopped at the end."""
    made: list[Conductor] = []

    def make(on: Store = store) -> Conductor:
        conductor = Conductor(
            on,
            small_catalog(),
            {"heat_worker": heat, "monitoring_worker": monitoring},
            ConductorSettings(lease_seconds=2, running_groups=4, worker_threads=4),
        )
        conductor.start()
        made.append(conductor)
        return conductor

    yield make
    for conductor in made:
        conductor.stop()


@pytest.fixture
def conductor(make_conductor: MakeConductor) -> Conductor:
    return make_conductor()
