"""``esi-flows run`` as a user runs it: a process of its own, killed and typed again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from esi_flows.deployments.recorded import state_failed
from esi_flows.model import keys
from esi_flows.model.results import State
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import connect

FLOWS = Path(__file__).parents[2] / "flows"
FOLDER = FLOWS / "deployments" / "logical_network"
SUBNET = "subnet:e42524f9-80ab-49d3-92e6-948c82c0bc88"
STACKS = 5
KILLS = 4
SPEED = "20"

pytestmark = pytest.mark.usefixtures("etcd_program")


class Command:
    """One ``esi-flows`` process; its output is read line by line."""

    def __init__(self, *arguments: object, environment: dict[str, str] | None = None) -> None:
        words = [sys.executable, "-m", "esi_flows.cli.app", *map(str, arguments)]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*words, "--flows", str(FLOWS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )

    def read_line(self) -> str:
        """The next line, empty at the end."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.lines.append(line.rstrip("\n"))
        return line

    def read_until(self, words: Sequence[str]) -> None:
        """Read up to a line with one of ``words``."""
        while line := self.read_line():
            if any(word in line for word in words):
                return
        pytest.fail(f"ended before any of {words}:\n{self.text}")

    def end(self) -> int:
        """Read everything; the exit code."""
        while self.read_line():
            pass
        return self.process.wait(60)

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()

    def press_ctrl_c(self) -> int:
        """As on a terminal: everything in the foreground gets it; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return self.end()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


Start = Callable[..., Command]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts commands; those that still run at the end of the test are killed."""
    started: list[Command] = []

    def start_command(*arguments: object, environment: dict[str, str] | None = None) -> Command:
        started.append(Command(*arguments, environment=environment))
        return started[-1]

    yield start_command
    for command in started:
        if command.process.poll() is None:
            command.kill()
        command.close()


def run(start: Start, data: Path) -> Command:
    return start("run", FOLDER, "--sandbox", "--data", data, "--speed", SPEED)


def states(data: Path) -> dict[str, State]:
    with EmbeddedEtcd(data / "etcd") as etcd:
        store = connect([etcd.endpoint])
        items = store.range(keys.STATE).items
        store.close()
    return {item.key: State.decode(item.key, item.value) for item in items}


def test_a_deployment_runs_to_its_end_and_then_there_is_nothing_to_do(
    start: Start, tmp_path: Path
) -> None:
    first = run(start, tmp_path)
    assert first.end() == 0, first.text
    assert f"next: esi-flows status --data {tmp_path} --flows {FLOWS}" in first.text
    assert "7 resources: 7 done" in first.text
    assert len(states(tmp_path)) == 7
    again = run(start, tmp_path)
    assert again.end() == 0
    assert again.lines[-2] == "Nothing to do: logical_network is as wanted."


@pytest.fixture
def sandbox(start: Start, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a sandbox in a process of its own, which outlives who uses it."""
    command = start("sandbox", "--no-conductor", "--data", tmp_path, "--speed", SPEED)
    command.read_until(["# data"])
    exports = [line.removeprefix("export ") for line in command.lines if "export " in line]
    yield dict(line.replace("'", "").split("=", 1) for line in exports)
    assert command.kill(signal.SIGTERM) == 0


def make_fail(sandbox: dict[str, str], **fault: object) -> None:
    request = urllib.request.Request(
        f"{sandbox['ESI_FLOWS_SANDBOX_URL']}/sandbox/faults",
        data=json.dumps({"kind": "fail", **fault}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def posted(sandbox: dict[str, str]) -> Counter[str]:
    """How often each stack was created, as the cloud's journal tells."""
    url = f"{sandbox['ESI_FLOWS_SANDBOX_URL']}/sandbox/requests?method=POST&path=/stacks"
    with urllib.request.urlopen(url) as answer:
        requests: list[dict[str, Any]] = json.load(answer)["requests"]
    return Counter(r["stack"] for r in requests if r["status"] == 201 and r["stack"])


@pytest.fixture
def brief_leases(tmp_path: Path) -> Path:
    """A configuration in which whoever was killed is soon succeeded."""
    file = tmp_path / "brief.conf"
    file.write_text("[conductor]\nlease_seconds = 2\n[heat]\npoll_max_seconds = 0.5\n")
    return file


def test_killed_again_and_again_no_stack_is_made_twice(
    start: Start, sandbox: dict[str, str], brief_leases: Path
) -> None:
    dice = random.Random(20261123)
    words = ("run", FOLDER, "--config-file", brief_leases)
    for _ in range(KILLS):
        command = start(*words, environment=sandbox)
        for _ in range(dice.randint(1, 16)):
            if not command.read_line():
                break
        time.sleep(dice.random() * 0.3)  # lines come between writes: die anywhere
        command.kill()
    last = start(*words, environment=sandbox)
    assert last.end() == 0, last.text
    assert len(posted(sandbox)) == STACKS
    assert set(posted(sandbox).values()) == {1}
    store = connect([sandbox["ESI_FLOWS_ETCD_ENDPOINTS"]])
    items = store.range(keys.STATE).items
    store.close()
    failed = [i.key for i in items if state_failed(State.decode(i.key, i.value))]
    assert (len(items), failed) == (7, [])


def test_what_failed_is_told_and_tried_again_by_the_same_command(
    start: Start, sandbox: dict[str, str]
) -> None:
    make_fail(sandbox, stack="subnet_*", times=1, reason="Quota exceeded for subnet")
    first = start("run", FOLDER, environment=sandbox)
    assert first.end() == 2, first.text
    assert "7 resources: 3 done, 1 reverted, 3 cancelled" in first.text
    errors = [line for line in first.lines if line.startswith("error: ")]
    assert errors[0].startswith(f"error: {SUBNET}: ")
    assert "Quota exceeded for subnet" in errors[0]
    assert errors[1] == "error: 3 more never ran because of that"
    again = start("run", FOLDER, environment=sandbox)
    assert again.end() == 0, again.text
    assert f"  retry      {SUBNET} v2" in again.text
    assert "7 resources: 7 done" in again.text


def test_the_sandbox_itself_may_be_killed_too(start: Start, tmp_path: Path) -> None:
    for words in (["create:heat_worker running"], ["subnet", "v1 CREATE"]):
        command = run(start, tmp_path)
        command.read_until(words)
        assert command.kill() == -signal.SIGKILL
    last = run(start, tmp_path)
    assert last.end() == 0, last.text
    found = states(tmp_path)
    assert len(found) == 7
    assert not any(state_failed(state) for state in found.values())


def test_interrupted_it_stops_in_order_and_says_how_to_go_on(start: Start, tmp_path: Path) -> None:
    command = run(start, tmp_path)
    command.read_until(["create:heat_worker running"])
    assert command.press_ctrl_c() == 130, command.text
    assert "interrupted: what is recorded stays, nothing is done twice" in command.text
    assert "Traceback" not in command.text
    assert command.lines[-2] == (
        f"next: esi-flows run {FOLDER} --sandbox --speed {SPEED} --data {tmp_path} --flows {FLOWS}"
    )
    with EmbeddedEtcd(tmp_path / "etcd") as etcd:
        store = connect([etcd.endpoint])
        # claims and registrations were given back, not left to run out
        assert store.range(keys.CLAIMS).items == ()
        assert store.range(keys.CONDUCTORS).items == ()
        store.close()
