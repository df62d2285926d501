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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.model.jobs import Job
from esi_flows.store.base import Store
from esi_flows.store.etcd import connect
from tests.crash.deaths import Life, MortalStore, Point
from tests.crash.outside import OutsideWorld
from tests.crash.recording import OperationLog, RecordingStore
from tests.crash.shapes import HANDLER, Group, catalog
from tests.crash.waiting import Ends

ROOT = Path(__file__).parents[2]
Within = Callable[[str, Job], None]


@dataclass(frozen=True, slots=True)
class Orders:
    """What a process is to do: run a conductor until the groups have ended, or to its death."""

    endpoint: str
    log: Path
    groups: tuple[Group, ...]
    end: Point | None = None
    lease_seconds: int = 5
    stays_in: str = ""
    """``execute b``: where the outside call takes until the process gets SIGUSR1."""
    lives_on: bool = False
    """Go on when the groups have ended, until somebody ends the process."""


def conductor_on(
    store: Store,
    behind: Store,
    groups: tuple[Group, ...],
    *,
    lease_seconds: int = 5,
    within: Within = lambda what, job: None,
) -> Conductor:
    """A conductor on ``store`` whose handlers act on the outside world kept in ``behind``."""
    world = OutsideWorld(behind, groups, who=lambda: conductor.id, within=within)
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
        self._alive: set[int] = set()

    def start(self, orders: Orders) -> int:
        """Start a conductor; its process id."""
        pid = int(self._ask(orders))
        self._alive.add(pid)
        return pid

    def wait(self, pid: int) -> int:
        """Wait for the end of a process: 0, or minus the signal that ended it."""
        self._alive.discard(pid)
        return int(self._ask(pid))

    def close(self) -> None:
        """End all that is left."""
        for pid in self._alive:
            os.kill(pid, signal.SIGKILL)
        self._server.stdin.close()  # type: ignore[union-attr]
        self._server.wait(10)
        self._server.stdout.close()  # type: ignore[union-attr]

    def _ask(self, question: Any) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        pickle.dump(question, self._server.stdin)
        self._server.stdin.flush()
        return pickle.load(self._server.stdout)


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
            answer = os.waitstatus_to_exitcode(os.waitpid(question, 0)[1])
        pickle.dump(answer, sys.stdout.buffer)
        sys.stdout.flush()


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
    life = Life(orders.end)
    store = connect([orders.endpoint])
    conductor: Conductor
    recorded = RecordingStore(store, OperationLog(orders.log), lambda: conductor.id)
    conductor = conductor_on(
        MortalStore(recorded, life),
        MortalStore(store, life),
        orders.groups,
        lease_seconds=orders.lease_seconds,
        within=_stays(orders.stays_in),
    )
    ends = Ends(store, orders.groups)
    conductor.start()
    ends.wait()
    while orders.lives_on:
        signal.pause()


def _stays(where: str) -> Within:
    """A call that takes until SIGUSR1 comes; others take no time."""
    what, _, letter = where.partition(" ")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    def within(called: str, job: Job) -> None:
        if (called, job.id[-1]) == (what, letter):
            signal.sigwait([signal.SIGUSR1])

    return within


if __name__ == "__main__":
    from tests.crash import processes  # orders are pickled by the module's own name

    processes.serve()
