"""What is served over HTTP, to clients that behave and to those that do not."""

from __future__ import annotations

import http.client
import json
import math
import socket
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from esi_flows.model.errors import ServerError
from esi_flows.model.vitals import Vitals
from esi_flows.operation.endpoint import Endpoint
from esi_flows.operation.health import Health


class Service:
    """Vitals that a test may change."""

    def __init__(self) -> None:
        self.synced = True
        self.lease = 3.0
        self.busy = {"conductor": 0.0}

    def vitals(self) -> Vitals:
        return Vitals(is_synced=self.synced, lease_seconds=self.lease, busy_seconds=dict(self.busy))


@pytest.fixture
def health() -> Health:
    return Health(stuck_seconds=60.0)


@pytest.fixture
def service(health: Health) -> Service:
    service = Service()
    health.follow(service.vitals)
    return service


@pytest.fixture(params=["127.0.0.1", "::1"])
def endpoint(request: pytest.FixtureRequest, health: Health) -> Iterator[tuple[str, int]]:
    registry = CollectorRegistry()
    Gauge("esi_flows_x", "x", registry=registry).set(7)
    with Endpoint(
        request.param, 0, health=health.healthy, readiness=health.ready, registry=registry
    ) as running:
        yield request.param, running.port


def ask(endpoint: tuple[str, int], path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(*endpoint, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_all_is_well(endpoint: tuple[str, int], service: Service) -> None:
    assert ask(endpoint, "/healthz") == (200, '{"ok": true, "checks": {"conductor": true}}\n')
    assert ask(endpoint, "/readyz")[0] == 200
    status, text = ask(endpoint, "/metrics")
    assert status == 200
    assert "esi_flows_x 7.0" in text


@pytest.mark.parametrize("busy", [61.0, math.inf], ids=["stuck", "ended"])
def test_a_thread_that_does_not_turn_is_not_healthy(
    busy: float, endpoint: tuple[str, int], service: Service
) -> None:
    service.busy["flows"] = busy
    status, body = ask(endpoint, "/healthz")
    assert status == 503
    assert json.loads(body)["checks"] == {"conductor": True, "flows": False}


def test_a_long_piece_of_work_is_healthy(endpoint: tuple[str, int], service: Service) -> None:
    service.busy["conductor"] = 59.0
    assert ask(endpoint, "/healthz")[0] == 200


@pytest.mark.parametrize(("member", "value"), [("synced", False), ("lease", 0.0)])
def test_not_ready_is_not_unhealthy(
    member: str, value: object, endpoint: tuple[str, int], service: Service
) -> None:
    setattr(service, member, value)
    status, body = ask(endpoint, "/readyz")
    assert status == 503
    assert json.loads(body)["checks"][member] is False
    assert ask(endpoint, "/healthz")[0] == 200


def test_who_drains_is_not_ready_and_may_end_its_threads(
    endpoint: tuple[str, int], service: Service, health: Health
) -> None:
    health.draining.set()
    service.busy["conductor"] = math.inf
    assert ask(endpoint, "/readyz")[0] == 503
    assert ask(endpoint, "/healthz")[0] == 200


def test_before_the_start_it_is_healthy_and_not_ready(endpoint: tuple[str, int]) -> None:
    assert ask(endpoint, "/healthz")[0] == 200
    assert ask(endpoint, "/readyz")[0] == 503


def test_what_is_not_served(endpoint: tuple[str, int], service: Service) -> None:
    assert ask(endpoint, "/")[0] == 404
    assert ask(endpoint, "/healthz", "POST")[0] == 405


def test_who_says_nothing_does_not_keep_others_waiting(
    endpoint: tuple[str, int], service: Service
) -> None:
    with socket.create_connection(endpoint):
        assert ask(endpoint, "/healthz")[0] == 200


def test_an_address_that_cannot_be_had_is_named(health: Health) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ServerError, match=str(taken.getsockname()[1])),
    ):
        Endpoint(
            "127.0.0.1",
            taken.getsockname()[1],
            health=health.healthy,
            readiness=health.ready,
            registry=CollectorRegistry(),
        )
