"""One etcd per folder: whoever comes first starts it, everybody else joins."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from esi_flows.model.errors import ServerError
from esi_flows.store.embedded.binary import obtain_etcd
from esi_flows.store.embedded.process import (
    PORT_TAKEN,
    READY_SECONDS,
    EtcdProcess,
    Ports,
    free_ports,
    is_healthy,
)

SINGLE_TIMINGS = ("--heartbeat-interval", "10", "--election-timeout", "100")
"""A single member elects itself: small timings make it start ten times faster."""

COMMON_ARGUMENTS = (
    "--auto-compaction-mode=revision",
    "--auto-compaction-retention=100000",
    f"--quota-backend-bytes={8 << 30}",
)

_PORT_TRIES = 5
_JOIN_POLL_SECONDS = 0.05
_ORPHAN_SECONDS = 5.0


class EmbeddedEtcd:
    """A single-member etcd on loopback with its data in ``data_dir``.

    The first to start it owns it: it ends with :meth:`stop`, or with the owner's process, however
    that ends. Others that start it on the same folder join, and their :meth:`stop` leaves it alone.
    A server whose owner is gone is ended and started again by the next one. The port stays the same
    from start to start where it can.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        arguments: tuple[str, ...] = (),
        allow_unsafe: bool = False,
    ) -> None:
        self._folder = data_dir.resolve()
        self._port = port
        self._arguments = arguments
        self._allow_unsafe = allow_unsafe
        self._lock: IO[str] | None = None
        self._process: EtcdProcess | None = None
        self._endpoint = ""

    @property
    def endpoint(self) -> str:
        """URL for clients, e.g. ``http://127.0.0.1:32379``; empty before :meth:`start`."""
        return self._endpoint

    @property
    def owned(self) -> bool:
        """Whether this object started the server (and will stop it)."""
        return self._lock is not None

    @property
    def pid(self) -> int:
        """Process id of the server of the folder, ours or joined; 0 before :meth:`start`."""
        return self._read_state()[0] if self._endpoint else 0

    @property
    def process(self) -> EtcdProcess:
        """The server process, to be killed and paused in tests. Raises ServerError if not owned."""
        if self._process is None:
            raise ServerError("the etcd process belongs to somebody else")
        return self._process

    def start(self) -> Self:
        """Start or join the server of the folder. Raises ServerError."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ServerError(f"{self._folder}: {error.strerror}") from error
        deadline = time.monotonic() + READY_SECONDS
        while not self._own() and not self._join():
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self._folder} is in use, but its etcd does not answer",
                    hint=f"end the process that holds {self._folder / 'owner.lock'}",
                )
            time.sleep(_JOIN_POLL_SECONDS)
        return self

    def restart(self) -> None:
        """Start the server again on the same port, after it was killed. Raises ServerError."""
        self.process.start()
        self.process.wait_ready(self._endpoint)

    def stop(self) -> None:
        """End the server if it is ours; no error if it is not, or has ended."""
        if self._lock is None:
            return
        if self._process is not None:
            self._process.stop()
        self._lock.close()
        self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _state_file(self) -> Path:
        return self._folder / "server.json"

    def _own(self) -> bool:
        # the kernel lets go of the lock when its holder dies, however it dies
        lock = (self._folder / "owner.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        try:
            self._launch()
        except BaseException:
            lock.close()
            raise
        self._lock = lock
        return True

    def _join(self) -> bool:
        pid, endpoint = self._read_state()
        if not _is_etcd_of(pid, self._folder) or not is_healthy(endpoint):
            return False  # not ready yet, or its port is somebody else's by now
        self._endpoint = endpoint
        return True

    def _launch(self) -> None:
        pid, endpoint = self._read_state()
        _end_orphan(pid, self._folder)
        self._prepare_data()
        program = obtain_etcd(allow_unsafe=self._allow_unsafe)
        # the port of last time, so that clients that remember it find us again
        last = (self._endpoint or endpoint).rpartition(":")[2]
        wanted = self._port or int(last or 0)
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                self._launch_on(program, free_ports(client=wanted))
            except ServerError as error:
                if PORT_TAKEN not in error.message or self._port or not tries_left:
                    raise
                wanted = 0
            else:
                return

    def _launch_on(self, program: Path, ports: Ports) -> None:
        process = EtcdProcess(program, self._folder, self._etcd_arguments(ports))
        try:
            process.start()
            process.wait_ready(ports.endpoint)
        except BaseException:
            process.stop()
            raise
        self._process, self._endpoint = process, ports.endpoint
        self._write_state(process.pid)
        self._unfinished.unlink(missing_ok=True)

    def _prepare_data(self) -> None:
        """Note that the first start is under way; clear away one that was cut off.

        An etcd that is killed before its first entry is committed never starts again on what it
        left. Nobody has been told of the server then, so nothing of anybody is in there.
        """
        data = self._folder / "data"
        if self._unfinished.exists():
            shutil.rmtree(data, ignore_errors=True)
        if not data.exists():
            self._unfinished.touch()

    def _etcd_arguments(self, ports: Ports) -> list[str]:
        return [
            *("--name", "embedded"),
            *("--listen-client-urls", ports.endpoint, "--advertise-client-urls", ports.endpoint),
            *("--listen-peer-urls", ports.peer_url),
            *SINGLE_TIMINGS,
            *COMMON_ARGUMENTS,
            *self._arguments,
        ]

    @property
    def _unfinished(self) -> Path:
        return self._folder / "first-start-unfinished"

    def _read_state(self) -> tuple[int, str]:
        try:
            state = json.loads(self._state_file.read_text())
            return int(state["pid"]), str(state["endpoint"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""  # not there yet, or half written by one that was killed

    def _write_state(self, pid: int) -> None:
        new = self._state_file.with_suffix(".new")
        new.write_text(json.dumps({"pid": pid, "endpoint": self._endpoint}))
        new.replace(self._state_file)


def _end_orphan(pid: int, folder: Path) -> None:
    """End the etcd of an owner that is gone; it may be about to end by itself."""
    if not _is_etcd_of(pid, folder):
        return
    deadline = time.monotonic() + _ORPHAN_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while _is_etcd_of(pid, folder):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(_JOIN_POLL_SECONDS)


def _is_etcd_of(pid: int, folder: Path) -> bool:
    """Whether the process is an etcd on that folder, and not one that got its number later."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return pid > 0 and os.fsencode(str(folder / "data")) in command.split(b"\0")
