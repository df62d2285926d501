"""Drivers on real sockets, and what bounds them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from esi_flows.collector.drivers import Drivers, ProbeFailed, Status, Surroundings, load_drivers
from esi_flows.collector.networks import Networks
from esi_flows.model.errors import SettingsInvalid
from esi_flows.model.results import Target


def a_target(kind: str = "tcp", *, seconds: float = 0.0, **properties: Any) -> Target:
    return Target(
        name="one",
        type=kind,
        topic="",
        resource_type="ports",
        tenant_id="t1",
        version=1,
        properties=properties,
        timeout_seconds=seconds,
    )


def asked(target: Target, *, allowed: tuple[str, ...] = ()) -> Status:
    drivers = Drivers(load_drivers(Surroundings(Networks(allowed))), seconds=5)
    return asyncio.run(drivers.status(target))


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this host on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_takes_connections_is_up(port: int) -> None:
    assert asked(a_target(host="127.0.0.1", port=port)) == "UP"


def test_a_name_is_resolved(port: int) -> None:
    assert asked(a_target(host="localhost", port=port), allowed=("127.0.0.0/8",)) == "UP"


def test_a_port_that_refuses_has_failed(port: int) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # taken, but nobody listens
        assert asked(a_target(host="127.0.0.1", port=silent.getsockname()[1])) == "FAIL"


@pytest.mark.parametrize(
    "properties",
    [{}, {"host": "127.0.0.1"}, {"host": 1, "port": 1}, {"host": "h", "port": "1"}]
    + [{"host": "h", "port": port} for port in (0, 65536, -1)],
)
def test_properties_that_are_none_are_told(properties: dict[str, Any]) -> None:
    with pytest.raises(ProbeFailed, match="host and port"):
        asked(a_target(**properties))


@pytest.mark.parametrize("host", ["name.invalid", "a" * 300, "a..b"])
def test_a_name_without_an_address_is_no_bad_status(host: str) -> None:
    with pytest.raises(ProbeFailed, match="has no address"):
        asked(a_target(host=host, port=80))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::ffff:127.0.0.1"])
def test_nobody_is_asked_outside_of_the_allowed_networks(host: str, port: int) -> None:
    with pytest.raises(ProbeFailed, match="no target may be"):
        asked(a_target(host=host, port=port), allowed=("10.0.0.0/8",))


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="allowed_networks"):
        Networks(["10.0.0.0/99"])


def test_a_type_without_a_driver_is_told_with_those_there_are() -> None:
    with pytest.raises(ProbeFailed, match="of type unheard_of") as raised:
        asked(a_target("unheard_of"))
    assert "tcp" in raised.value.hint


class Silent:
    """A driver that never comes to an end."""

    async def status(self, target: Target) -> str:
        await asyncio.Event().wait()
        raise AssertionError


def test_a_target_has_a_deadline_of_its_own() -> None:
    drivers = Drivers({}, other=Silent(), seconds=60)
    with pytest.raises(ProbeFailed, match=r"within 0\.01 s"):
        asyncio.run(drivers.status(a_target("any", seconds=0.01)))
