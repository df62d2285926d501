"""``esi-flows conductor`` as operators run it: processes, signals, a real etcd, a cloud."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import ResourceRef
from esi_flows.sandbox.cloud import Cloud
from esi_flows.sandbox.faults import Fault, FaultKind
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import FLOWS, Cli
from tests.cli.serving import Serve, Serving, config_file

FOLDER = FLOWS / "deployments" / "logical_network"
NETWORK = ResourceRef("network", "9dd2540c-934c-4db7-bc33-83059bf6905d")
GROUP = f"{NETWORK}:1"
GROUPS = 5
LONG_LEASE = "[conductor]\nlease_seconds = 60\n"
"""So that nobody goes on because a lease has run out."""

pytestmark = pytest.mark.etcd


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with Cloud(tmp_path / "cloud", speed=100.0) as running:
        yield running


@pytest.fixture
def serve(tmp_path: Path, store: EtcdStore, etcd: EmbeddedEtcd, cloud: Cloud) -> Iterator[Serve]:
    """Starts conductors on the store of the test and on the cloud."""
    started: list[Serving] = []

    def start(*words: str, config: str = LONG_LEASE, endpoint: str = etcd.endpoint) -> Serving:
        file = config_file(tmp_path, [endpoint], config)
        serving = Serving("conductor", file, *words, environment=cloud.environment())
        started.append(serving)
        return serving

    yield start
    for serving in started:
        serving.close()


@pytest.fixture
def slow_network(cloud: Cloud) -> None:
    """The stack of the network takes some seconds."""
    cloud.faults.add(Fault(kind=FaultKind.SLOW, stack="network_*", action="CREATE", seconds=4.0))


def record(store: EtcdStore) -> GroupRecord:
    found = store.get(keys.group(GROUP))
    assert found is not None
    return GroupRecord.decode(found.key, found.value)


def until_asked_for_the_stack(serving: Serving) -> None:
    """Wait until Heat has been asked to create a stack."""
    serving.logged("group claimed", group=GROUP)
    while not serving.metric("esi_flows_handler_calls_total", call="create", outcome="ok"):
        assert serving.process.poll() is None, serving.text


@pytest.mark.usefixtures("slow_network")
def test_sigterm_drains_and_another_goes_on_at_once(
    serve: Serve, cli: Cli, store: EtcdStore, cloud: Cloud
) -> None:
    cli("apply", FOLDER)
    first = serve()
    until_asked_for_the_stack(first)
    second = serve()
    second.logged("conductor started")
    first.send(signal.SIGTERM)
    assert first.end() == 0, first.text
    assert store.get(keys.state(keys.ResourcePath("v2.0/networks", NETWORK.id))) is None
    second.logged("group claimed", group=GROUP, attempt=2)
    second.logged("group ended", group=GROUP, state="SUCCESS")
    created = cloud.requests(method="POST", contains="/stacks", stack=f"network_{NETWORK.id}")
    assert len(created) == 1
    assert second.metric("esi_flows_claims_taken_total", again="yes") == 1
    assert second.metric("esi_flows_jobs_recovered_total", handler="heat_worker") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_on_the_spot(
    number: signal.Signals, serve: Serve, cli: Cli, store: EtcdStore, cloud: Cloud
) -> None:
    # a step that is under way is waited for before the claim is given back
    cloud.faults.add(Fault(kind=FaultKind.DELAY, method="POST", path="*/stacks", seconds=20.0))
    cli("apply", FOLDER)
    serving = serve()
    serving.logged("group claimed", group=GROUP)
    while not cloud.requests(method="POST", contains="/stacks"):
        assert serving.process.poll() is None, serving.text
    serving.send(number)
    serving.logged("draining", reason=number.name)
    serving.send(number)
    assert serving.end() == 128 + number
    assert "ended at once by a second signal" in serving.text
    assert store.get(keys.claim(GROUP)) is not None  # until its lease has run out


def test_once_runs_until_nothing_is_left(serve: Serve, cli: Cli, store: EtcdStore) -> None:
    cli("apply", FOLDER)
    serving = serve("--once")
    assert serving.end() == 0, serving.text
    records = [GroupRecord.decode(i.key, i.value) for i in store.range(keys.GROUPS).items]
    assert [record.state for record in records] == [GroupState.SUCCESS] * GROUPS
    assert store.range(keys.CONDUCTORS).items == ()
    again = serve("--once")
    assert again.end() == 0
    assert "group claimed" not in again.text


def test_once_tells_that_a_group_failed(serve: Serve, cli: Cli, cloud: Cloud) -> None:
    cloud.faults.add(Fault(kind=FaultKind.FAIL, stack="subnet_*"))
    cli("apply", FOLDER)
    serving = serve("--once")
    assert serving.end() == 1
    failed = serving.logged("ending")["failed"]
    assert [name.partition(":")[0] for name in failed] == ["port"] * 3 + ["subnet"]
    # that is over: nothing is left to do, and nothing has failed since
    assert serve("--once").end() == 0


def test_metrics_tell_what_was_done(serve: Serve, cli: Cli, store: EtcdStore, cloud: Cloud) -> None:
    cloud.faults.add(Fault(kind=FaultKind.FAIL, stack="port_7e99*", action="CREATE"))
    cli("apply", FOLDER)
    serving = serve()
    metric = serving.metric
    while metric("esi_flows_groups_ended_total") < GROUPS:
        assert serving.process.poll() is None, serving.text
    assert metric("esi_flows_groups_posted_total", action="create") == GROUPS
    assert metric("esi_flows_claims_taken_total", again="no") == GROUPS
    assert metric("esi_flows_groups_ended_total", state="SUCCESS") == GROUPS - 1
    assert metric("esi_flows_groups_ended_total", state="REVERTED") == 1
    assert metric("esi_flows_group_seconds_count") == GROUPS
    assert metric("esi_flows_jobs_total", handler="heat_worker", step="execute") == GROUPS
    assert metric("esi_flows_jobs_total", handler="heat_worker", outcome="failed") == 1
    assert metric("esi_flows_jobs_total", handler="heat_worker", step="revert", outcome="ok") == 1
    created = len(cloud.requests(method="POST", contains="/stacks"))
    assert metric("esi_flows_handler_calls_total", call="create", outcome="ok") == created == GROUPS
    assert metric("esi_flows_store_seconds_count", operation="txn") > GROUPS
    assert metric("esi_flows_groups") == 0
    assert metric("esi_flows_oldest_runnable_group_age_seconds") == 0
    assert metric("esi_flows_running_groups") == 0


def test_it_is_not_ready_while_etcd_is_away(serve: Serve, tmp_path: Path) -> None:
    with EmbeddedEtcd(tmp_path / "etcd") as etcd:
        serving = serve(config="[conductor]\nlease_seconds = 2\n", endpoint=etcd.endpoint)
        serving.until("/readyz", 200)
        etcd.process.kill()
        checks = json.loads(serving.until("/readyz", 503))["checks"]
        assert checks == {"started": True, "synced": True, "lease": False, "accepting": True}
        assert serving.get("/healthz")[0] == 200  # a new start would not help
        etcd.restart()
        serving.until("/readyz", 200)
        assert serving.metric("esi_flows_lease_remaining_seconds") > 0
        serving.send(signal.SIGTERM)
        assert serving.end() == 0


def test_no_secret_is_in_logs_or_metrics(
    serve: Serve, cli: Cli, cloud: Cloud, tmp_path: Path
) -> None:
    """Not even where everything is logged, and Heat repeats what it was given."""
    of_etcd, of_a_plug_in, of_a_router = canaries = ["c4n4ry-1", "c4n4ry-2", "c4n4ry-3"]
    mine = shutil.copytree(FLOWS / "deployments" / "internet_gateway" / "10-create", tmp_path / "d")
    for file in mine.glob("*.yaml"):
        text = re.sub(r"password: .+", f"password: {of_a_router}", file.read_text())
        file.write_text(text)
    reason = f"Property error: config: password {of_a_router} is too short"
    cloud.faults.add(Fault(kind=FaultKind.FAIL, stack="internet_gateway_*", reason=reason))
    cli("apply", mine)
    config = f"[my_plug_in]\napi_token = {of_a_plug_in}\n[conductor]\nlease_seconds = 5\n"
    serving = serve("-v", config=f"[etcd]\nuser = me\npassword = {of_etcd}\n{config}")
    error = serving.logged("group ended", state="FAILURE")["error"]
    assert "is too short" in error
    metrics = serving.until("/metrics", 200)
    for canary in canaries:
        assert canary not in serving.text
        assert canary not in metrics
