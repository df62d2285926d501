"""The whole product on a real etcd and the sandbox cloud, in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.collector.probe import HttpProbe
from esi_flows.collector.service import Collector
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.handlers.heat.client import Clouds
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.handlers.heat.poller import StackPoller
from esi_flows.handlers.monitoring import MonitoringHandler
from esi_flows.sandbox.cloud import Cloud
from esi_flows.store.base import Event, Store
from tests.cloud.plugin import World
from tests.clouds import clouds_of, empty

FLOWS = Path(__file__).parents[2] / "flows"
SPEED = 50.0


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(FLOWS)


@pytest.fixture
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The cloud named by the parameter, with nothing in the deployments' project."""
    if getattr(request, "param", "sandbox") == "real":
        real = request.getfixturevalue("real_cloud")
        empty(real)
        yield real
        return
    with Cloud(tmp_path / "cloud", speed=SPEED) as running:
        yield running


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Cloud]:
    """What tells how monitored things are: no part of OpenStack, so it is always simulated."""
    with Cloud(tmp_path / "monitor", speed=SPEED) as running:
        yield running


@pytest.fixture
def clouds(cloud: World) -> Clouds:
    return clouds_of(cloud)


@pytest.fixture
def conductor(store: Store, catalog: Catalog, clouds: Clouds) -> Iterator[Conductor]:
    poller = StackPoller(clouds, min_seconds=0.02, max_seconds=0.2)
    poller.start()
    heat = HeatHandler(clouds, poller, grace_seconds=10)
    handlers = {"heat_worker": heat, "monitoring_worker": MonitoringHandler()}
    conductor = Conductor(store, catalog, handlers, ConductorSettings())
    conductor.start()
    yield conductor
    conductor.stop()
    heat.close()


@pytest.fixture
def collector(store: Store, monitor: Cloud) -> Iterator[Collector]:
    probe = HttpProbe(f"{monitor.monitor_url}/v1/status", timeout_seconds=5)
    collector = Collector(store, probe, name="collector", interval_seconds=0.2)
    collector.start()
    yield collector
    collector.stop()
    probe.close()


@dataclass
class History:
    """Every change of the store since the start, as a watcher saw it."""

    events: list[Event] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def of(self, key: str, since: int = 0) -> list[Any]:
        """The documents ``key`` has had after revision ``since``; None where it was removed."""
        return [_decoded(e.value) for e in self.events if e.key == key and e.mod_revision > since]

    def until(self, key: str, holds: Callable[[Any], bool], seconds: float = 60) -> int:
        """Wait until ``key`` has had a document that is as wanted; its revision."""
        with self.changed:
            found = self.changed.wait_for(lambda: self._find(key, holds), seconds)
        if not found:
            pytest.fail(f"{key} never became as wanted; it was {self.of(key)}")
        return found.mod_revision

    def _find(self, key: str, holds: Callable[[Any], bool]) -> Event | None:
        return next((e for e in self.events if e.key == key and holds(_decoded(e.value))), None)


def _decoded(value: bytes | None) -> Any:
    return None if value is None else json.loads(value)


@pytest.fixture
def history(store: Store) -> Iterator[History]:
    history = History()
    watch = store.watch("/", start_revision=store.range("/jobs/all/").revision + 1)

    def follow() -> None:
        for batch in watch:
            with history.changed:
                history.events.extend(batch.events)
                history.changed.notify_all()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    yield history
    watch.cancel()
    thread.join(10)
