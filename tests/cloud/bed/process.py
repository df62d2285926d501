"""A service as a child process, which leaves when we do."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from esi_flows.model.errors import ServerError

ROOT = Path(__file__).parents[3]
_STOP_SECONDS = 10
_LOG_BYTES = 3000


class Service:
    """One server of the bed. Its data outlives it: stop, kill and start as you like."""

    def __init__(self, name: str, *, python: Path, folder: Path) -> None:
        self.name = name
        self._python = python
        self._folder = folder
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[str] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started, and not stopped or killed since."""
        return self._process is not None

    def launch(self) -> None:
        """Start the process; :meth:`ready` waits for it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._python, "-W", "ignore"),
                    *("-m", f"tests.cloud.bed.{self.name}_server", str(self._folder)),
                ],
                cwd=ROOT,
                stdin=subprocess.PIPE,  # whose end tells the server that we are gone
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def ready(self) -> None:
        """Wait until it listens. Raises ServerError with the end of its log where it does not."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == "ready":
                return
        self.kill()
        raise ServerError(f"{self.name} did not start: {self._tail()}")

    def start(self) -> None:
        """Start and wait until it listens. Raises ServerError."""
        self.launch()
        self.ready()

    def stop(self) -> None:
        """Let it finish what it is at; by force where it takes too long."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Let it die at once, whatever it is at."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def _tail(self) -> str:
        return self._log.read_bytes()[-_LOG_BYTES:].decode(errors="replace")
