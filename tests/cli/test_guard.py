"""What commands do when a process of their sandbox dies under them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import FLOWS

FOLDER = FLOWS / "deployments" / "logical_network"
AT_WORK = ("create:heat_worker running", "# data")
SLOW = "0.01"

pytestmark = pytest.mark.usefixtures("etcd_program")

Process = subprocess.Popen[str]
Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a command on the sandbox of the test; returns when it is at work."""
    started: list[Process] = []

    def start_command(*words: object) -> Process:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "esi_flows.cli.app", *map(str, words)),
                *("--speed", SLOW, "--data", "try", "--flows", str(FLOWS)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        started.append(process)
        assert process.stdout is not None
        assert any(any(words in line for words in AT_WORK) for line in process.stdout)
        return process

    yield start_command
    for process in started:
        process.kill()
        process.communicate()


def pid_in(note: Path) -> int:
    return int(json.loads(note.read_text())["pid"])


@pytest.mark.parametrize(
    ("note", "code", "message"),
    [
        ("etcd/server.json", 4, "the sandbox's etcd has ended (log: try/etcd/etcd.log)"),
        ("cloud.json", 1, "the sandbox's cloud has ended (log: try/cloud.log)"),
    ],
)
@pytest.mark.parametrize("words", [("run", FOLDER, "--sandbox"), ("sandbox",)])
def test_it_ends_with_its_sandbox(
    start: Start, tmp_path: Path, words: tuple[str, ...], note: str, code: int, message: str
) -> None:
    process = start(*words)
    os.kill(pid_in(tmp_path / "try" / note), signal.SIGKILL)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == code, errors
    again = " ".join(map(str, words))
    assert errors.splitlines()[-2:] == [
        f"error: {message}",
        f"next: esi-flows {again} --speed {SLOW} --data try --flows {FLOWS}",
    ]


def test_whoever_only_joined_the_sandbox_ends_with_it_too(start: Start) -> None:
    owner = start("sandbox", "--no-conductor")
    joined = start("run", FOLDER, "--sandbox")
    owner.kill()
    _, errors = joined.communicate(timeout=20)
    assert joined.returncode in (1, 4), errors
    assert errors.splitlines()[-2].startswith("error: the sandbox's ")
