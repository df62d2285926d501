"""A conductor as a process of its own that kills itself at its n-th write, before or after it.

Run as ``python -m tests.conductor.crashing ENDPOINT FAILS NUMBER before|after``; it ends well when
all is done before that. Its handler notes in etcd what it has done, so that all processes see the
same outside world.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.handlers.base import Handler, Outcome, Run, Steps
from esi_flows.model.errors import HandlerError
from esi_flows.model.jobs import Action, Job
from esi_flows.store.base import Compare, Op, Store, Txn
from esi_flows.store.etcd import connect
from esi_flows.store.faults import FaultyStore
from tests.conductor.conftest import World, network, port, small_catalog

PATHS = (network("n1"), port("p1"))

MADE = "/made/"
"""What is in the outside world."""
DONE = "/done/"
"""How often it was changed."""


class OutsideWorld:
    """A handler that makes and removes one thing per resource, and counts how often it did."""

    def __init__(self, store: Store, fails: str) -> None:
        self._store = store
        self._fails = fails

    def execute(self, job: Job, run: Run) -> Steps:
        self._note("execute", job)
        yield from ()
        if self._fails and self._fails in job.id:
            raise HandlerError("as told")
        if job.action in (Action.DELETE, Action.LOGICAL_DELETE):
            self._store.delete(self._thing(job))
        else:
            self._store.put(self._thing(job), str(job.version).encode())
        return Outcome(job_state={job.handler: f"{job.action} {job.version}"})

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        self._note("revert", job)
        yield from ()
        self._store.delete(self._thing(job))
        return Outcome()

    def close(self) -> None:
        pass

    def _thing(self, job: Job) -> str:
        return f"{MADE}{job.handler}/{job.resource}"

    def _note(self, what: str, job: Job) -> None:
        key = f"{DONE}{what}/{job.id.rpartition(':')[0]}"
        found = self._store.get(key)
        self._store.put(key, str(int(found.value) + 1 if found is not None else 1).encode())


class CountingStore(FaultyStore):
    """Counts its transactions."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda method, arguments: None)
        self.count = 0
        self._lock = threading.Lock()

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        with self._lock:
            self.count += 1
        return super().txn(compares, ops)


class CrashingStore(CountingStore):
    """Kills its own process at its n-th transaction, before it or after it."""

    def __init__(self, store: Store, number: int, moment: str) -> None:
        super().__init__(store)
        self._number = number
        self._moment = moment

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        if self.count + 1 == self._number and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = super().txn(compares, ops)
        if self.count >= self._number:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def make_conductor(store: Store, behind: Store, fails: str) -> Conductor:
    """A conductor on ``store`` whose handlers act on the outside world kept in ``behind``."""
    world = OutsideWorld(behind, fails)
    handlers: dict[str, Handler] = {"heat_worker": world, "monitoring_worker": world}
    settings = ConductorSettings(lease_seconds=5, running_groups=4, worker_threads=1)
    return Conductor(store, small_catalog(), handlers, settings)


def main(endpoint: str, fails: str, number: str, moment: str) -> None:
    store = connect([endpoint])
    make_conductor(CrashingStore(store, int(number), moment), store, fails).start()
    for path in PATHS:
        World(store).state(path)
    os._exit(0)  # as it is, threads and all


if __name__ == "__main__":
    main(*sys.argv[1:])
