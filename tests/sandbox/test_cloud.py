"""The cloud as an object: folders, ports, restarts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from esi_flows.model.errors import ServerError
from esi_flows.sandbox.cloud import Cloud

ONE = "heat_template_version: 2013-05-23\nresources: {a: {type: OS::Heat::TestResource}}\n"


def test_a_stack_goes_on_while_the_cloud_is_off(
    tmp_path: Path, clock: Any, connect: Callable[..., Any]
) -> None:
    with Cloud(tmp_path, clock=clock) as cloud:
        heat = connect(to=cloud, project_id="p")
        heat.stacks.create(stack_name="network_1", template=ONE)
        heat.stacks.create(stack_name="internet_gateway_1", template=ONE)
    clock.advance(5)
    with Cloud(tmp_path, clock=clock):
        found = {s.stack_name: s.stack_status for s in heat.stacks.list()}
        assert found == {
            "network_1": "CREATE_COMPLETE",
            "internet_gateway_1": "CREATE_IN_PROGRESS",
        }
        clock.advance(11)
        assert heat.stacks.get("internet_gateway_1").stack_status == "CREATE_COMPLETE"


def test_all_of_a_stack_outlives_a_restart(
    tmp_path: Path, clock: Any, connect: Callable[..., Any]
) -> None:
    template = ONE + "outputs: {o: {value: {get_attr: [r, value]}}}\n"
    template = template.replace("{a:", "{r: {type: OS::Heat::RandomString}, a:")
    with Cloud(tmp_path, clock=clock) as cloud:
        heat = connect(to=cloud, project_id="p")
        options = {"tags": "x", "timeout_mins": 7, "disable_rollback": False}
        heat.stacks.create(stack_name="s", template=template, **options)
        clock.advance(600)
        before = heat.stacks.get("s").to_dict()
        events = [e.to_dict() for e in heat.events.list("s")]
    with Cloud(tmp_path, clock=clock):
        assert heat.stacks.get("s").to_dict() == before
        assert [e.to_dict() for e in heat.events.list("s")] == events


def test_a_hanging_stack_still_hangs_after_a_restart(
    tmp_path: Path, clock: Any, connect: Callable[..., Any]
) -> None:
    with Cloud(tmp_path, clock=clock) as cloud:
        heat = connect(to=cloud, project_id="p")
        template = ONE.replace("}}", ", properties: {wait_secs: -1}}}")
        heat.stacks.create(stack_name="s", template=template)
    with Cloud(tmp_path, clock=clock):
        clock.advance(1e6)
        assert heat.stacks.get("s").stack_status == "CREATE_IN_PROGRESS"


def test_speed_divides_the_recorded_time(
    tmp_path: Path, clock: Any, connect: Callable[..., Any]
) -> None:
    with Cloud(tmp_path, clock=clock, speed=10) as cloud:
        heat = connect(to=cloud, project_id="p")
        heat.stacks.create(stack_name="internet_gateway_1", template=ONE)
        clock.advance(1.5)
        assert heat.stacks.get("internet_gateway_1").stack_status == "CREATE_IN_PROGRESS"
        clock.advance(0.1)
        assert heat.stacks.get("internet_gateway_1").stack_status == "CREATE_COMPLETE"


def test_two_clouds_do_not_share_a_folder(tmp_path: Path) -> None:
    with Cloud(tmp_path) as first:
        with pytest.raises(ServerError, match="another sandbox cloud runs on"):
            Cloud(tmp_path).start()
        assert requests.get(first.auth_url, timeout=10).status_code == 200
    with Cloud(tmp_path):
        pass  # once the first has stopped


def test_a_folder_remembers_its_port_and_yields_where_it_is_taken(tmp_path: Path) -> None:
    with Cloud(tmp_path) as cloud:
        port = int(cloud.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), Cloud(tmp_path) as cloud:
        assert int(cloud.url.rpartition(":")[2]) != port
        assert requests.get(cloud.auth_url, timeout=10).status_code == 200


def test_a_port_that_was_asked_for_is_not_exchanged(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} cannot be listened on"):
            Cloud(tmp_path, port=port).start()
    with Cloud(tmp_path, port=port) as cloud:
        assert cloud.url.endswith(f":{port}")


@pytest.mark.parametrize("content", ["", "abc", "99999", "-1", "\x00"])
def test_a_damaged_port_file_does_not_matter(tmp_path: Path, content: str) -> None:
    (tmp_path / "port").write_text(content)
    with Cloud(tmp_path) as cloud:
        assert requests.get(cloud.auth_url, timeout=10).status_code == 200


@pytest.mark.parametrize("name", ["stacks.sqlite", "identity.sqlite"])
def test_a_damaged_database_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a database" * 100)
    with pytest.raises(ServerError, match=name):
        Cloud(tmp_path).start()
    (tmp_path / name).unlink()
    with Cloud(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerError, match="file/cloud cannot be used"):
        Cloud(tmp_path / "file" / "cloud").start()


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_none_is_refused(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ServerError, match="must be above 0"):
        Cloud(tmp_path, speed=speed)


def test_a_cloud_that_does_not_run_has_no_url(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path)
    with pytest.raises(ServerError, match="not running"):
        _ = cloud.url
    cloud.stop()  # does nothing
    with cloud, pytest.raises(ServerError, match="running already"):
        cloud.start()


def test_the_environment_is_complete(cloud: Cloud) -> None:
    environment = cloud.environment()
    assert environment["OS_AUTH_URL"] == cloud.auth_url
    assert environment["OS_USERNAME"] == environment["OS_PROJECT_NAME"] == "admin"
    assert environment["ESI_FLOWS_MONITOR_URL"] == cloud.monitor_url
