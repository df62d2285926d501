"""The cloud as a process."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import requests

ONE = "heat_template_version: 2013-05-23\nresources: {a: {type: OS::Heat::TestResource}}\n"


class Process:
    """A cloud started as users start it."""

    def __init__(self, data: Path, *options: str) -> None:
        command = [sys.executable, "-m", "esi_flows.sandbox", "--data", str(data), *options]
        self.child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.child.stdout is not None
        self.environment = json.loads(_line(self.child.stdout))
        self.auth_url = self.environment["OS_AUTH_URL"]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.child.send_signal(number)
        self.child.communicate(timeout=30)
        return self.child.returncode


def _line(stream: IO[str]) -> str:
    ready, _, _ = select.select([stream], [], [], 30)
    assert ready, "the process said nothing"
    return stream.readline()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(*options: str) -> Process:
        started.append(Process(tmp_path / "cloud", *options))
        return started[-1]

    yield start
    for process in started:
        if process.child.poll() is None:
            process.end(signal.SIGKILL)


def _wait_until_complete(heat: Any, name: str) -> None:
    # a real clock and a real Heat's interface: there is nothing to wait for but the answer
    deadline = time.monotonic() + 30
    while heat.stacks.get(name).stack_status != "CREATE_COMPLETE":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_stack_outlives_kill_9_and_goes_on(
    start: Callable[..., Process], connect: Callable[..., Any]
) -> None:
    first = start("--speed", "30")
    heat = connect(to=first, project_id="p")
    made = heat.stacks.create(stack_name="internet_gateway_1", template=ONE)
    assert heat.stacks.get("internet_gateway_1").stack_status == "CREATE_IN_PROGRESS"
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = start("--speed", "30")
    assert second.environment == first.environment, "clients need not notice"
    _wait_until_complete(heat, "internet_gateway_1")
    assert [s.id for s in heat.stacks.list()] == [made["stack"]["id"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_well_when_told_to(start: Callable[..., Process], number: int) -> None:
    process = start()
    assert requests.get(process.auth_url, timeout=10).status_code == 200
    assert process.end(number) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(process.auth_url, timeout=10)


def test_it_stops_when_its_parent_dies(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-m', 'esi_flows.sandbox', '--data', {str(tmp_path)!r},"
        " '--parent-dies'])\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    environment = json.loads(_line(parent.stdout))
    parent.kill()
    parent.wait()
    # the child holds the other end of the pipe: it ends when the child has ended
    ready, _, _ = select.select([parent.stdout], [], [], 30)
    assert ready
    assert parent.stdout.read() == ""
    with pytest.raises(requests.ConnectionError):
        requests.get(environment["OS_AUTH_URL"], timeout=10)
    assert parent.stdin is not None
    parent.stdin.close()
    parent.stdout.close()


def test_a_folder_in_use_is_told_and_the_exit_code_is_1(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    start()
    command = [sys.executable, "-m", "esi_flows.sandbox", "--data", str(tmp_path / "cloud")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "another sandbox cloud runs on" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_speed_that_is_none_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "esi_flows.sandbox", "--data", str(tmp_path), "--speed", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr == "esi_flows.sandbox: speed is 0.0, must be above 0\n"
    assert os.listdir(tmp_path) == []
