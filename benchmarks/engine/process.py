"""The other end of a worker: starts it, asks it, kills it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine.shapes import JOURNAL, Shape


class TooSlow(Exception):
    """It took longer than the measurement may."""


class Broken(Exception):
    """The worker ended, or could not begin; the message is the end of its log."""


class Worker:
    """A process that runs flows on one engine. Ends with :meth:`close` or :meth:`kill`."""

    def __init__(
        self,
        module: str,
        options: Mapping[str, Any],
        log: Path,
        *,
        journal: Path | None = None,
        command: Sequence[str] = (),
    ) -> None:
        """``command`` goes before the interpreter's: a profiler, for instance."""
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if journal is not None:
            env[JOURNAL] = str(journal)
        self._log = log
        program = [sys.executable, "-m", "benchmarks.engine.worker"]
        self._process = subprocess.Popen(
            [*command, *program, module, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("a"),
            env=env,
        )
        self._left = b""

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def wait_ready(self, timeout: float = 60) -> None:
        """Return when the engine takes flows. Raises Broken, TooSlow."""
        self.answer(timeout)

    def ask(self, what: str, shapes: Sequence[Shape]) -> None:
        """Send a request: ``each``, ``all`` or ``resume``. Raises Broken."""
        request = {"do": what, "shapes": [shape.to_json() for shape in shapes]}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise Broken(self._last_words()) from error

    def answer(self, timeout: float) -> dict[str, Any]:
        """The answer to the last request. Raises Broken, TooSlow."""
        assert self._process.stdout is not None
        while b"\n" not in self._left:
            if not select.select([self._process.stdout], [], [], timeout)[0]:
                raise TooSlow
            read = os.read(self._process.stdout.fileno(), 1 << 16)
            if not read:
                raise Broken(self._last_words())
            self._left += read
        line, _, self._left = self._left.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def do(self, what: str, shapes: Sequence[Shape], timeout: float) -> dict[str, Any]:
        """Send a request and wait for its answer. Raises Broken, TooSlow."""
        self.ask(what, shapes)
        return self.answer(timeout)

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it, kindly at first."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def _last_words(self) -> str:
        lines = self._log.read_text().strip().splitlines()
        return lines[-1] if lines else f"ended with {self._process.poll()}"
