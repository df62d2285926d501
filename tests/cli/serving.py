"""Services as processes of their own: started, listened to, and told to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from esi_flows.store.embedded.process import free_ports
from tests.cli.conftest import FLOWS

SECONDS = 30.0

Record = Mapping[str, Any]


class Serving:
    """One ``esi-flows conductor`` or ``collector``; its log is JSON, and it listens on ``port``."""

    def __init__(
        self, service: str, config: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_ports().client
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("OS_", "ESI_FLOWS_"))}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "esi_flows.cli.app", service, *words),
                *("--config-file", config, "--flows", FLOWS, "--port", str(self.port)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**kept, **(environment or {})},
        )
        self.text = ""
        self.records: list[Record] = []
        self._changed = threading.Condition()
        self._is_silent = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def logged(self, message: str, **fields: object) -> Record:
        """Wait for a record with this message and these fields."""

        def found() -> Record | None:
            wanted = {"message": message, **fields}
            return next((r for r in self.records if wanted.items() <= r.items()), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._is_silent, SECONDS)
            record = found()
        if record is None:
            pytest.fail(f"{message} was never logged:\n{self.text}")
        return record

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of what is served; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def until(self, path: str, status: int) -> str:
        """Ask until it answers with that status; the body."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            found, body = self.get(path)
            if found == status:
                return body
            time.sleep(0.02)
        pytest.fail(f"{path} never answered {status} but {found}: {body}\n{self.text}")

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return sum(value for value, its in self._samples(name) if labels.items() <= its.items())

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _samples(self, name: str) -> list[tuple[float, Mapping[str, str]]]:
        from prometheus_client.parser import text_string_to_metric_families

        families = text_string_to_metric_families(self.until("/metrics", 200))
        samples = [sample for family in families for sample in family.samples]
        return [(sample.value, sample.labels) for sample in samples if sample.name == name]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.text += line
                if line.startswith("{"):
                    self.records.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._is_silent = True
            self._changed.notify_all()


Serve = Callable[..., Serving]


def config_file(folder: Path, endpoints: Sequence[str], more: str = "") -> Path:
    """A configuration file with this etcd, a log in JSON, and whatever else."""
    file = folder / "esi-flows.conf"
    file.write_text(f"[etcd]\nendpoints = {','.join(endpoints)}\n[log]\nformat = json\n{more}")
    return file
