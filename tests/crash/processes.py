"""Conductors as processes of their own, forked off a warm one: a real kill costs milliseconds.

The fork server (``python -m tests.crash.processes``) has everything imported and has never opened a
channel to etcd, which would not survive the fork.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.store.base import Store
from esi_flows.store.etcd import connect
from tests.crash.deaths import Life, MortalStore, Point, StoppedLife
from tests.crash.outside import OutsideWorld
from tests.crash.recording import OperationLog, RecordingStore
from tests.crash.shapes import HANDLER, Group, catalog
from tests.crash.waiting import Ends

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process is to do: run a conductor until the groups have ended, or to its death."""

    endpoint: str
    log: Path
    groups: tuple[Group, ...]
    end: Point | None = None
    lease_seconds: int = 5
    is_only_stopped: bool = False
    """Stop at ``end`` (SIGSTOP), and live on until somebody ends the process."""

    @property
    def stopped_at(self) -> Path:
        """Where a process that stops tells at which step."""
        return self.log.with_suffix(".stopped")


def conductor_on(
    store: Store,
    behind: Store,
    groups: tuple[Group, ...],
    *,
    lease_seconds: int = 5,
) -> Conductor:
    """A conductor on ``store`` whose handlers act on the outside world kept in ``behind``."""
    world = OutsideWorld(behind, groups, who=lambda: conductor.id)
    conductor = Conductor(
        store,
        catalog(),
        {HANDLER: world},
        ConductorSettings(lease_seconds=lease_seconds, running_groups=4, worker_threads=2),
    )
    return conductor


class Processes:
    """Starts conductors as processes, and waits for their ends."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.processes"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._questions = self._server.stdin
        self._answers = self._server.stdout
        self._alive: set[int] = set()

    def start(self, orders: Orders) -> int:
        """Start a conductor; its process id."""
        pid = int(self._ask(orders))
        self._alive.add(pid)
        return pid

    def wait(self, pid: int) -> int:
        """Wait until a process stops or ends: 0, or minus the signal that did it."""
        ended = int(self._ask(pid))
        if ended != -signal.SIGSTOP:
            self._alive.discard(pid)
        return ended

    def kill(self, pid: int) -> None:
        """End a process."""
        os.kill(pid, signal.SIGKILL)
        self.wait(pid)

    def close(self) -> None:
        """End all that is left."""
        for pid in tuple(self._alive):
            self.kill(pid)
        self._questions.close()
        self._server.wait(10)
        self._answers.close()

    def _ask(self, question: Any) -> Any:
        pickle.dump(question, self._questions)
        self._questions.flush()
        return pickle.load(self._answers)


def serve() -> None:
    """The fork server: forks for orders, waits for process ids, until its input ends."""
    gc.freeze()
    while True:
        try:
            question = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if isinstance(question, Orders):
            answer = os.fork()
            if answer == 0:
                _be_conductor(question)
        else:
            answer = _wait(question)
        pickle.dump(answer, sys.stdout.buffer)
        sys.stdout.flush()


def _wait(pid: int) -> int:
    _, status = os.waitpid(pid, os.WUNTRACED)
    return -os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def _be_conductor(orders: Orders) -> None:
    status = 1
    try:
        _run(orders)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)  # as it is, threads and all: nothing of the server's may run on here


def _run(orders: Orders) -> None:
    def tell(step: tuple[str, ...]) -> None:
        orders.stopped_at.write_bytes(pickle.dumps(step))

    life = StoppedLife(orders.end, tell) if orders.is_only_stopped else Life(orders.end)
    store = connect([orders.endpoint])
    conductor: Conductor
    recorded = RecordingStore(store, OperationLog(orders.log), lambda: conductor.id)
    conductor = conductor_on(
        MortalStore(recorded, life),
        MortalStore(store, life),
        orders.groups,
        lease_seconds=orders.lease_seconds,
    )
    ends = Ends(store, orders.groups)
    conductor.start()
    ends.wait()
    while orders.is_only_stopped:
        signal.pause()


if __name__ == "__main__":
    from tests.crash import processes  # orders are pickled by the module's own name

    processes.serve()
