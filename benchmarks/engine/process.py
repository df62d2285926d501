"""The other end of a worker: starts it, asks it, ends it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine.shapes import JOURNAL, Shape

_END_SECONDS = 10.0


class TooSlow(Exception):
    """It took longer than the measurement may."""


class Broken(Exception):
    """The worker ended, or could not begin; the message is the end of its log."""


class Worker:
    """A process that runs flows on one engine. Ends with :meth:`close`."""

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
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [*command, *program, module, json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=env,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
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
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except BrokenPipeError as error:
            raise Broken(self._last_words()) from error

    def answer(self, timeout: float) -> dict[str, Any]:
        """The answer to the last request. Raises Broken, TooSlow."""
        while b"\n" not in self._left:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise TooSlow
            read = os.read(self._answers.fileno(), 1 << 16)
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

    def close(self) -> None:
        """End it, kindly at first; what it does not end by then is killed."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def _last_words(self) -> str:
        lines = self._log.read_text().strip().splitlines()
        return lines[-1] if lines else f"ended with {self._process.poll()}"
