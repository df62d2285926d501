"""``esi-flows collector`` as operators run it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from esi_flows.model import keys
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target
from esi_flows.sandbox.cloud import Cloud
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import Cli
from tests.cli.serving import Serve, Serving, config_file

PATH = ResourcePath("v2.0/networks", "n1")
TARGET = Target(
    name="network",
    type="network",
    topic="monitoring",
    resource_type="networks",
    tenant_id="t1",
    version=1,
    properties={"id": "n1"},
    wanted_status="ACTIVE",
)

pytestmark = pytest.mark.etcd


@pytest.fixture
def serve(tmp_path: Path, store: EtcdStore, etcd: EmbeddedEtcd) -> Iterator[Serve]:
    """Starts collectors that ask a sandbox's monitor."""
    started: list[Serving] = []
    with Cloud(tmp_path / "cloud") as cloud:

        def start(*, lease_seconds: int = 60) -> Serving:
            asked = f"[collector]\nstatus_url = {cloud.monitor_url}/v1/status\n"
            lease = f"[conductor]\nlease_seconds = {lease_seconds}\n"
            file = config_file(tmp_path, [etcd.endpoint], asked + lease)
            started.append(Serving("collector", file))
            return started[-1]

        yield start
        for serving in started:
            serving.close()


def until_reported(store: EtcdStore, path: ResourcePath) -> None:
    """Wait until the collector has written the status of a resource."""
    key = keys.monitoring(path)
    start = store.range(keys.MONITORING).revision
    if store.get(key) is None:
        changes = iter(store.watch(keys.MONITORING, start_revision=start + 1))
        while not any(e.key == key and e.value is not None for e in next(changes).events):
            pass


def test_it_reports_and_hands_its_role_over(serve: Serve, store: EtcdStore) -> None:
    store.put(keys.target(PATH, TARGET.name), TARGET.encode())
    first = serve()
    first.until("/readyz", 200)
    until_reported(store, PATH)
    second = serve()
    second.until("/readyz", 200)
    checks = json.loads(second.until("/healthz", 200))["checks"]
    assert checks == {"collector": True, "probes": True}
    first.send(signal.SIGTERM)
    assert first.end() == 0
    other = ResourcePath("v2.0/networks", "n2")
    store.put(keys.target(other, TARGET.name), TARGET.encode())
    until_reported(store, other)  # long before the lease of the first would have run out
    assert second.metric("esi_flows_store_seconds_count", operation="txn") >= 1
    second.send(signal.SIGINT)
    assert second.end() == 0


def test_another_goes_on_where_one_was_killed(serve: Serve, store: EtcdStore) -> None:
    first = serve(lease_seconds=2)
    first.until("/readyz", 200)
    store.put(keys.target(PATH, TARGET.name), TARGET.encode())
    until_reported(store, PATH)
    second = serve(lease_seconds=2)
    second.until("/readyz", 200)
    first.send(signal.SIGKILL)
    first.end()
    store.delete(keys.target(PATH, TARGET.name))
    other = ResourcePath("v2.0/networks", "n2")
    store.put(keys.target(other, TARGET.name), TARGET.encode())
    until_reported(store, other)
    assert store.get(keys.monitoring(PATH)) is None


def test_a_network_that_is_none_is_refused(cli: Cli, tmp_path: Path, etcd: EmbeddedEtcd) -> None:
    wrong = "[collector]\nallowed_networks = 10.0.0.0/99\n"
    result = cli("--config-file", str(config_file(tmp_path, [etcd.endpoint], wrong)), "collector")
    assert result.code == 1
    assert "allowed_networks" in result.err
