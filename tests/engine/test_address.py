"""The configuration of the persistence backend, as TaskFlow hands it over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from taskflow.persistence import backends

from esi_flows.engine import address
from esi_flows.engine.address import Address
from esi_flows.engine.persistence import EtcdBackend
from esi_flows.model.errors import SettingsInvalid

_PATH = "/esi-flows/persistence"


def test_the_bare_name_means_an_etcd_on_this_host() -> None:
    assert address.read({"connection": "etcd"}) == Address(("http://127.0.0.1:2379",), _PATH)
    assert address.read({}) == address.read({"connection": "etcd"})


@pytest.mark.parametrize(
    ("connection", "endpoints"),
    [
        ("etcd://host", ("http://host:2379",)),
        ("etcd://host:1/", ("http://host:1",)),
        ("etcd://a,b,c:2380", ("http://a:2380", "http://b:2380", "http://c:2380")),
        ("etcd://[::1]:1", ("http://[::1]:1",)),
        ("etcd://[::1]", ("http://[::1]:2379",)),
        ("etcd+https://a,b", ("https://a:2379", "https://b:2379")),
        ("etcd://a?ca_cert=ca.pem", ("https://a:2379",)),
        ("http://a:7", ("http://a:7",)),
        ("etcd://a?endpoints=http://b:1,http://c:2", ("http://b:1", "http://c:2")),
    ],
)
def test_endpoints_are_read(connection: str, endpoints: tuple[str, ...]) -> None:
    assert address.read({"connection": connection}).endpoints == endpoints


def test_everything_can_be_said_in_the_connection() -> None:
    connection = "etcd://me:p%40ss@a:1/?path=/shop&timeout_seconds=2.5&ca_cert=c&cert=d&key=e"
    assert address.read({"connection": connection}) == Address(
        ("https://a:1",), "/shop", "me", "p@ss", "c", "d", "e", 2.5
    )


def test_what_is_said_beside_the_connection_goes_first() -> None:
    found = address.read({"connection": "etcd://a?path=/x&user=u", "path": "/y/", "password": "p"})
    assert (found.path, found.user, found.password) == ("/y", "u", "p")
    assert address.read({"endpoints": ["http://a:1"]}).endpoints == ("http://a:1",)


def test_taskflow_hands_a_connection_over_as_it_is(tmp_path: Path) -> None:
    opened = backends.fetch("etcd://me:p%40ss@a,b:1/?path=/shop")
    assert isinstance(opened, EtcdBackend)
    assert opened.root == "/shop"
    opened.close()
    conf = {"connection": "etcd://me:p%40ss@a", "username": "me", "password": "p%40ss"}
    assert address.read(conf).password == "p@ss"


@pytest.mark.parametrize(
    "conf",
    [
        {"connection": "etcd://"},
        {"connection": "etcd://a,,b"},
        {"connection": "etcd://a:port"},
        {"path": "/"},
        {"path": ""},
        {"path": "relative"},
        {"timeout_seconds": "soon"},
    ],
)
def test_what_cannot_work_is_refused(conf: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid):
        address.read(conf)


def test_a_password_is_never_shown() -> None:
    connection = "etcd://me:hunter2@:x?password=hunter2"
    with pytest.raises(SettingsInvalid) as refused:
        address.read({"connection": connection})
    assert "hunter2" not in refused.value.message
    assert "hunter2" not in repr(address.read({"connection": "etcd://me:hunter2@a"}))
