"""Handlers on remote workers, over a real Redis and a real etcd."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import kombu
import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.engine.host import FlowHost
from esi_flows.engine.run import FlowEnd, GroupRun
from esi_flows.model import keys
from esi_flows.model.errors import Suspended
from esi_flows.model.groups import GroupState
from esi_flows.model.jobs import Job
from esi_flows.operation.metrics import Metrics
from esi_flows.store.base import Store
from esi_flows.store.claims import Claim, take_claim
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.worker.remote import Link, Patience, RemoteHandler
from esi_flows.worker.service import WorkerService
from tests.plugins import ListHandler, NothingRecorded, make_job
from tests.worker.broker import Redis, wait_until

TOPIC = "tests"
A = "create:list:network:n1:1:a"
PATIENCE = Patience(take_seconds=3, wait_seconds=20, lost_seconds=3)


@pytest.fixture
def link(redis: Redis) -> Iterator[Link]:
    link = Link(TOPIC, redis.url, patience=PATIENCE)
    yield link
    link.close()


@pytest.fixture
def host(store: Store) -> Iterator[FlowHost]:
    host = FlowHost(store, "tests")
    host.start()
    yield host
    host.stop()


@pytest.fixture
def claim(store: Store) -> Claim:
    lease = store.grant(600)
    claim = take_claim(store, "network:n1:1", holder="tests", lease=lease)
    assert claim is not None
    return claim


def begin(host: FlowHost, claim: Claim, link: Link, *jobs: Job) -> tuple[GroupRun, Future[Any]]:
    run = GroupRun(
        "network:n1:1",
        jobs,
        keys.ResourcePath("v2.0/networks", "n1"),
        host=host,
        claim=claim.fence,
        handlers={"list": RemoteHandler(link)},
        catalog=Catalog((), ()),
        recorded=NothingRecorded(),
    )
    ended: Future[Any] = Future()
    run.start(ended.set_result)
    return run, ended


def work(store: Store, redis: Redis, handler: ListHandler, **options: Any) -> WorkerService:
    service = WorkerService(
        store, Catalog((), ()), {"list": handler}, url=redis.url, topic=TOPIC, beat_seconds=0.3
    )
    service.start()
    return service


def waiting(link: Link) -> float | None:
    """As the metrics tell it."""
    metrics = Metrics()
    metrics.follow_errands([RemoteHandler(link)])
    labels = {"topic": TOPIC, "state": "waiting"}
    return metrics.registry.get_sample_value("esi_flows_errands", labels)


def state(ended: Future[Any]) -> GroupState:
    end = ended.result(40)
    assert isinstance(end, FlowEnd), end
    return end.state


@pytest.mark.etcd
def test_a_job_runs_on_a_worker_and_the_conductor_records_it(store, redis, link, host, claim):
    handler = ListHandler()
    worker = work(store, redis, handler)
    _, ended = begin(host, claim, link, make_job(A))
    assert state(ended) is GroupState.SUCCESS
    worker.stop()
    assert handler.calls == [f"execute {A}"]
    assert json.loads(store.get(f"/made/{A}").value) == "made"


@pytest.mark.etcd
def test_a_failed_group_is_reverted_on_a_worker(store, redis, link, host, claim):
    bad = "create:list:network:n1:1:b"
    handler = ListHandler(fails=(bad,))
    worker = work(store, redis, handler)
    _, ended = begin(host, claim, link, make_job(A), make_job(bad, after=(A,)))
    assert state(ended) is GroupState.REVERTED
    worker.stop()
    assert f"revert {A}" in handler.calls


@pytest.mark.etcd
def test_a_handler_that_the_worker_lacks_fails_the_job_and_says_so(store, redis, link, host, claim):
    service = WorkerService(store, Catalog((), ()), {}, url=redis.url, topic=TOPIC)
    service.start()
    _, ended = begin(host, claim, link, make_job(A))
    end = ended.result(30)
    service.stop()
    assert "the worker has no handler 'list'" in end.error


@pytest.mark.etcd
def test_an_errand_waits_until_there_is_a_worker(store, redis, link, host, claim):
    _, ended = begin(host, claim, link, make_job(A))
    wait_until(lambda: waiting(link) == 1)
    worker = work(store, redis, ListHandler())
    assert state(ended) is GroupState.SUCCESS
    worker.stop()


@pytest.mark.etcd
def test_garbage_ends_neither_worker_nor_link(store, redis, link, host, claim):
    worker = work(store, redis, ListHandler())
    with kombu.Connection(redis.url) as connection:
        producer = connection.Producer()
        to = {"exchange": kombu.Exchange("esi-flows", durable=False, auto_delete=True)}
        queue = kombu.Queue(
            f"esi-flows_{TOPIC}", to["exchange"], TOPIC, durable=False, auto_delete=True
        )
        said = {"declare": [queue], "routing_key": TOPIC, **to}
        producer.publish("{", content_type="application/json", content_encoding="utf-8", **said)
        producer.publish(b"\x80\x04N.", content_type="application/x-python-serialize", **said)
        producer.publish({"result": 5}, type="REQUEST", **said)
        bad = {"task_cls": "x", "task_name": "x", "task_version": "1", "action": "execute"}
        producer.publish({**bad, "result": 5}, type="REQUEST", **said)
    _, ended = begin(host, claim, link, make_job(A))
    assert state(ended) is GroupState.SUCCESS
    worker.stop()


@pytest.mark.etcd
def test_a_stopping_worker_gives_its_errand_to_another(store, redis, link, host, claim):
    begun = threading.Event()

    def never(job: Job) -> Future[Any]:
        begun.set()
        return Future()

    first = work(store, redis, ListHandler(waits_for=never))
    _, ended = begin(host, claim, link, make_job(A))
    assert begun.wait(20)
    first.stop()
    other = ListHandler()
    second = work(store, redis, other)
    assert state(ended) is GroupState.SUCCESS
    second.stop()
    assert other.recovering == [A]


@pytest.mark.etcd
def test_a_worker_stops_when_the_claim_is_gone(store, redis, link, host, claim):
    begun, cancelled = threading.Event(), threading.Event()

    def never(job: Job) -> Future[Any]:
        future: Future[Any] = Future()
        future.add_done_callback(lambda _: cancelled.set())
        begun.set()
        return future

    worker = work(store, redis, ListHandler(waits_for=never))
    run, ended = begin(host, claim, link, make_job(A))
    assert begun.wait(20)
    store.delete(claim.key)
    assert cancelled.wait(20)
    worker.stop()
    run.suspend(Suspended("the test ends"))
    ended.result(20)


@pytest.mark.etcd
def test_a_broker_that_restarts_empty_loses_no_job(store, redis, link, host, claim):
    begun, go_on = threading.Event(), Future()

    def wait(job: Job) -> Future[Any]:
        begun.set()
        return go_on

    worker = work(store, redis, ListHandler(waits_for=wait))
    _, ended = begin(host, claim, link, make_job(A))
    assert begun.wait(20)
    redis.kill()
    redis.start()
    go_on.set_result(None)
    assert state(ended) is GroupState.SUCCESS
    worker.stop()


@pytest.mark.etcd
def test_the_errand_of_a_killed_worker_is_done_by_another(
    store: Store, etcd: EmbeddedEtcd, redis, link, host, claim
):
    code = (
        "import sys;from concurrent.futures import Future;"
        "from tests.worker.test_remote import *;from esi_flows.store.etcd import connect;"
        "waits=lambda job:(print('begun',flush=True),Future())[1];"
        "s=WorkerService(connect([sys.argv[1]]),Catalog((),()),"
        "{'list':ListHandler(waits_for=waits)},url=sys.argv[2],topic=TOPIC,beat_seconds=0.3);"
        "s.start();threading.Event().wait()"
    )
    command = [sys.executable, "-c", code, etcd.endpoint, redis.url]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        _, ended = begin(host, claim, link, make_job(A))
        assert victim.stdout is not None
        assert victim.stdout.readline() == "begun\n"
        wait_until(lambda: link.errands().under_way == 1)
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate()
    handler = ListHandler()
    worker = work(store, redis, handler)
    assert state(ended) is GroupState.SUCCESS
    worker.stop()
    assert handler.recovering == [A]


def test_nothing_that_travels_is_logged_by_taskflow():
    for module in ("executor", "proxy", "server", "dispatcher"):
        logger = logging.getLogger(f"taskflow.engines.worker_based.{module}")
        assert not logger.isEnabledFor(logging.CRITICAL)
