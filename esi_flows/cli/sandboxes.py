"""A sandbox for a command: etcd and cloud on one folder, started, or joined where they run."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from esi_flows.cli.services import cloud_folder, etcd_folder
from esi_flows.model.errors import InvalidInput, ServerError
from esi_flows.store.embedded import EmbeddedEtcd

_OWNER_GONE_SECONDS = 10.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox; ``environment`` is what finds its cloud."""

    data: Path
    endpoint: str
    environment: Mapping[str, str]
    etcd_pid: int
    cloud_pid: int

    @property
    def status_url(self) -> str:
        """Where the collector asks for the status of targets."""
        return f"{self.environment['ESI_FLOWS_MONITOR_URL']}/v1/status"


@contextlib.contextmanager
def running(data: Path, *, speed: float = 1.0) -> Iterator[Sandbox]:
    """A sandbox on the folder ``data``, as long as the block runs.

    Raises ServerError where etcd or the cloud cannot be started.
    """
    with contextlib.ExitStack() as stack:
        cloud = stack.enter_context(_Cloud(data, speed))
        etcd = stack.enter_context(EmbeddedEtcd(etcd_folder(data)))
        environment = cloud.wait_ready()
        stack.enter_context(_environment(environment))
        yield Sandbox(data, etcd.endpoint, environment, etcd.pid, cloud.pid)


def refuse_other_etcd(given: argparse.Namespace) -> None:
    """Raises InvalidInput where an etcd is named that a sandbox would not use."""
    if given.etcd:
        raise InvalidInput(
            "a sandbox has an etcd of its own, and --etcd names another",
            hint="leave out --etcd, or the sandbox",
        )


def configure(conf: Any, sandbox: Sandbox, *, speed: float) -> None:
    """Make the configuration mean the sandbox, whatever cloud it means otherwise."""
    conf.set_override("auth_type", None, group="cloud")
    conf.set_override("status_url", sandbox.status_url, group="collector")
    conf.set_override("interval_seconds", max(0.1, 2.0 / speed), group="collector")
    conf.set_override("poll_max_seconds", 1.0, group="heat")


@contextlib.contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    """The sandbox's OS_* variables instead of those of a real cloud."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Cloud:
    """The cloud's process, which ends with ours however that ends; or a running one, joined."""

    def __init__(self, data: Path, speed: float) -> None:
        self._data = data
        self._speed = speed
        self._note = data / "cloud.json"
        self._log: IO[str] | None = None
        self.process: subprocess.Popen[str] | None = None
        self.pid = 0
        """Process id of the cloud, ours or joined; 0 before it is ready."""

    def __enter__(self) -> _Cloud:
        if self._data.exists() and not self._data.is_dir():
            raise InvalidInput(f"{self._data} is not a folder", hint="name a folder with --data")
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            self._log = (self._data / "cloud.log").open("a", encoding="utf-8")
        except OSError as error:
            raise InvalidInput(
                f"{error.filename} cannot be written: {error.strerror}",
                hint="name a folder of your own with --data",
            ) from error
        if not self._locked():
            self._launch()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
        if self._log is not None:
            self._log.close()

    def wait_ready(self) -> Mapping[str, str]:
        """The environment of the cloud, once it serves. Raises ServerError."""
        deadline = time.monotonic() + _OWNER_GONE_SECONDS
        while True:
            if self.process is None and not self._locked():
                self._launch()
            if self.process is not None:
                environment = self._first_line()
                if environment is not None:
                    self.pid = self.process.pid
                    self._remember(environment)
                    return environment
                if not self._locked():
                    raise self._failure(self._why())
            joined = self._joined()
            if joined is not None:
                return joined
            if time.monotonic() > deadline:
                raise self._failure("another one runs on its folder")
            # the owner of the one that runs has been killed: that one is about to go
            time.sleep(0.05)

    def _failure(self, reason: str) -> ServerError:
        return ServerError(
            f"the cloud of the sandbox did not start: {reason}",
            hint=f"its log is {self._data / 'cloud.log'}",
        )

    def _locked(self) -> bool:
        """Whether a cloud runs on the folder."""
        try:
            with (cloud_folder(self._data) / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _launch(self) -> None:
        words = ["--data", str(cloud_folder(self._data)), "--speed", str(self._speed)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "esi_flows.sandbox", *words, "--parent-dies"],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            # Ctrl-C is for us: the cloud goes on until we have stopped in order
            start_new_session=True,
        )

    def _first_line(self) -> dict[str, str] | None:
        """What the process says when it is ready; None where it has ended instead."""
        process = self.process
        if process is None or process.stdout is None:
            return None
        line = process.stdout.readline()
        if line.strip():
            environment: dict[str, str] = json.loads(line)
            return environment
        process.wait()
        process.stdout.close()
        self.process = None
        return None

    def _remember(self, environment: Mapping[str, str]) -> None:
        note = {"owner": os.getpid(), "pid": self.pid, "environment": dict(environment)}
        temporary = self._note.with_suffix(".new")
        temporary.write_text(json.dumps(note), encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(self._note)

    def _joined(self) -> Mapping[str, str] | None:
        """The environment of the cloud that runs on the folder, if its owner lives."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            pid = int(note["pid"])
            os.kill(int(note["owner"]), 0)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self.pid = pid
        environment: Mapping[str, str] = note["environment"]
        return environment

    def _why(self) -> str:
        try:
            lines = (self._data / "cloud.log").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "no reason given"
