"""A deployment whose stacks are made by workers, all of them processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.sandbox.cloud import Cloud
from esi_flows.store.base import Store
from esi_flows.store.embedded import EmbeddedEtcd
from tests.cli.serving import Serving
from tests.worker.broker import Redis, wait_until

FLOWS = Path(__file__).parents[2] / "flows"
SPEED = 10.0
STACKS = 5


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with Cloud(tmp_path / "cloud", speed=SPEED) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, etcd: EmbeddedEtcd, redis: Redis) -> Path:
    path = tmp_path / "esi-flows.conf"
    path.write_text(
        f"[etcd]\nendpoints = {etcd.endpoint}\ntimeout_seconds = 2\n"
        "[conductor]\nlease_seconds = 3\n[log]\nformat = json\n"
        f"[workers]\nurl = {redis.url}\nhandlers = heat_worker:heat\n"
        "beat_seconds = 0.3\nlost_seconds = 3\ntake_seconds = 3\n"
    )
    return path


def created(cloud: Cloud) -> Counter[str]:
    """How often each stack was created."""
    done = [e for e in cloud.requests(method="POST") if e.status == 201]
    return Counter(e.stack for e in done if e.stack)


def apply(etcd: EmbeddedEtcd) -> None:
    """Bring the deployment one step further, if what it waits for is there."""
    folder = FLOWS / "deployments" / "logical_network"
    words = ["apply", str(folder), "--flows", str(FLOWS), "--etcd", etcd.endpoint]
    subprocess.run([sys.executable, "-m", "esi_flows.cli.app", *words], check=True)


def all_ended_well(store: Store) -> bool:
    """Whether no group is unfinished; one that has failed fails the test."""
    found = [GroupRecord.decode(g.key, g.value).state for g in store.range(keys.GROUPS).items]
    assert not {GroupState.FAILURE, GroupState.REVERTED} & set(found)
    return set(found) == {GroupState.SUCCESS}


@pytest.mark.etcd
@pytest.mark.parametrize("victim", ["worker", "conductor", "broker"])
def test_each_stack_is_created_once_whoever_is_killed(
    store: Store, etcd: EmbeddedEtcd, redis: Redis, cloud: Cloud, config: Path, victim: str
) -> None:
    environment = cloud.environment()
    with ExitStack() as stack:

        def serve(name: str) -> Serving:
            service = Serving(name, config, environment=environment)
            stack.callback(service.close)
            return service

        workers = [serve("worker"), serve("worker")]
        conductors = [serve("conductor"), serve("conductor")]
        apply(etcd)
        wait_until(lambda: bool(created(cloud)))
        if victim == "broker":
            redis.kill()
            redis.start()
        else:
            services = workers if victim == "worker" else conductors
            services[0].process.kill()
        deadline = time.monotonic() + 90
        while len(created(cloud)) < STACKS or not all_ended_well(store):
            assert time.monotonic() < deadline, created(cloud)
            apply(etcd)
    counts = created(cloud)
    assert set(counts.values()) == {1}, counts
