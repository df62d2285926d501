"""One etcd process: started, asked until it is ready, killed, paused, stopped."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from esi_flows.model.errors import ServerError

READY_SECONDS = 20.0
PORT_TAKEN = "address already in use"
"""What the message says when a port is taken; etcd's log says so as well."""

_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.01
_LOG_HEAD = 2
_LOG_TAIL = 8

# Asks the kernel to end etcd together with us, then becomes etcd. Not done between fork and exec,
# where threads of ours (gRPC's) can leave locks behind. Where there is no prctl, it does without.
_GUARD = """
import ctypes, os, signal, sys
try:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
except (OSError, AttributeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a member listens on loopback: for clients, and for other members."""

    client: int
    peer: int

    @property
    def endpoint(self) -> str:
        """URL for clients."""
        return f"http://127.0.0.1:{self.client}"

    @property
    def peer_url(self) -> str:
        """URL for other members."""
        return f"http://127.0.0.1:{self.peer}"


def free_ports(*, client: int = 0) -> Ports:
    """Ports that nobody listens on right now; ``client`` if that is not 0.

    Raises ServerError where somebody listens on that one.
    """
    with socket.socket() as one, socket.socket() as two:
        # what has just been left is free for a server, which asks for it in the same way
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", client))
        except OSError as error:
            raise ServerError(f"port {client}: {PORT_TAKEN}") from error
        # both held at once, so that they differ
        two.bind(("127.0.0.1", 0))
        return Ports(one.getsockname()[1], two.getsockname()[1])


class EtcdProcess:
    """An etcd server process with its data in ``folder``. Start it again as often as needed."""

    def __init__(self, binary: Path, folder: Path, arguments: Sequence[str]) -> None:
        self._command = [str(binary), "--data-dir", str(folder / "data"), *arguments]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """Process id of the running server, 0 if there is none."""
        return self._process.pid if self._process is not None and self.running else 0

    @property
    def folder(self) -> Path:
        """Where its data and its log are."""
        return self._folder

    @property
    def running(self) -> bool:
        """Whether the process is there (paused counts)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; it is not ready yet. Raises ServerError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "data").mkdir(mode=0o700, exist_ok=True)
        started = threading.Event()
        failure: list[OSError] = []
        # The kernel's promise is tied to the thread that starts the process, not to the process:
        # this one stays until etcd has ended.
        self._keeper = threading.Thread(
            target=self._keep, args=(started, failure), name="etcd-keeper", daemon=True
        )
        self._keeper.start()
        started.wait()
        if failure:
            raise ServerError(f"{self._command[0]}: {failure[0].strerror}") from failure[0]

    def wait_ready(self, endpoint: str, seconds: float = READY_SECONDS) -> None:
        """Return once the server takes requests. Raises ServerError if it ends or is too slow."""
        deadline = time.monotonic() + seconds
        while not is_healthy(endpoint):
            if not self.running:
                raise ServerError(f"etcd has ended at once; {self.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerError(f"etcd is not ready after {seconds:g} s; {self.log_tail()}")
            self._wait(_POLL_SECONDS)

    def log_tail(self) -> str:
        """Where the log is, its first lines and its last, for an error message."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            return f"no log: {error.strerror}"
        if len(lines) > _LOG_HEAD + _LOG_TAIL:
            # a flag it does not know comes first, before everything it knows
            lines = [*lines[:_LOG_HEAD], "...", *lines[-_LOG_TAIL:]]
        return "\n".join([f"from {self._log}:", *lines])

    def stop(self) -> None:
        """Let the server end in good order; kill it if it does not."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)
        if not self._wait(_STOP_SECONDS):
            self.kill()
        if self._keeper is not None:
            self._keeper.join()

    def kill(self) -> None:
        """Kill the server (``kill -9``) and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._wait(_STOP_SECONDS)

    def pause(self) -> None:
        """Freeze the server, and return once it stands still; its connections stay open."""
        self._signal(signal.SIGSTOP)
        if self._process is not None:
            with contextlib.suppress(ChildProcessError):  # it has ended instead
                os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._signal(signal.SIGCONT)

    @property
    def _log(self) -> Path:
        return self._folder / "etcd.log"

    def _keep(self, started: threading.Event, failure: list[OSError]) -> None:
        guard = [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), *self._command]
        # etcd takes settings from its environment, too
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ETCD_")}
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    guard,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    # Ctrl-C is for the owner, which still needs etcd to stop in good order
                    start_new_session=True,
                )
        except OSError as error:
            failure.append(error)
            return
        finally:
            started.set()
        self._process.wait()

    def _wait(self, seconds: float) -> bool:
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def is_healthy(endpoint: str) -> bool:
    """Whether the server at ``endpoint`` has a leader and takes requests."""
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=1.0)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status == 200 and b'"true"' in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
