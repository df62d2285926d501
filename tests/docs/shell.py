"""A shell that is typed into line by line, and that takes everything it started with it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

COMMAND_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed (both streams), and its exit code."""

    output: str
    exit_code: int


class Shell:
    """One bash in a folder; what is started in it with ``&`` ends with it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def run(self, command: str) -> Ran:
        """Type a command and wait for its end. Raises TimeoutError with what came until then."""
        self._count += 1
        mark = f"--- end of command {self._count}:"
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\nprintf '\\n%s %d\\n' '{mark}' $?\n")
        self._process.stdin.flush()
        lines: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=COMMAND_SECONDS)
            except queue.Empty:
                raise TimeoutError(f"{command}: no end; so far:\n{''.join(lines)}") from None
            if line is None:
                raise AssertionError(f"{command}: the shell has ended:\n{''.join(lines)}")
            if line.startswith(mark):
                return Ran("".join(lines), int(line.removeprefix(mark)))
            lines.append(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)
