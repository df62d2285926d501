"""What every crash test does: set the stage, let conductors run and die, look at what is left."""

from __future__ import annotations

import contextlib
import pickle
import signal
from collections.abc import Sequence
from typing import Any

from esi_flows.model import keys
from esi_flows.store.base import DeletePrefix, Store
from esi_flows.store.faults import FaultyStore
from tests.crash.deaths import Killed, Life, MortalStore, Point, SimulatedLife
from tests.crash.history import Tape
from tests.crash.invariants import Seen, check, picture
from tests.crash.processes import Orders, Processes, conductor_on
from tests.crash.recording import OperationLog, RecordingStore
from tests.crash.shapes import Group, post
from tests.crash.waiting import Ends

Step = tuple[str, ...]


class Stage:
    """Groups in an empty store, run by conductors of which all but the last may die."""

    def __init__(
        self, store: Store, endpoint: str, log: OperationLog, groups: Sequence[Group]
    ) -> None:
        self.store = store
        self.endpoint = endpoint
        self.log = log
        self._first = self.groups = tuple(groups)
        self._tape = Tape(store)
        self.begin()

    def begin(self) -> None:
        """Empty the store and post the groups."""
        self.groups = self._first
        self.log.clear()
        self.store.txn([], [DeletePrefix("/")])
        self._tape.wind()
        post(self.store, self.groups)

    def bury(self) -> None:
        """End the leases of the dead: they end by themselves, but waiting for it proves nothing."""
        for item in self.store.range(keys.CONDUCTORS).items:
            self.store.revoke(item.lease)

    def run(self) -> Sequence[Step]:
        """A conductor that nobody disturbs does what is left; the steps it made."""
        life = Life()
        conductor, ends = self._conductor(life)
        conductor.start()
        try:
            assert ends.wait(), "the groups have not ended"
        finally:
            conductor.stop()
        return life.steps

    def die(self, life: SimulatedLife) -> bool:
        """A conductor that dies within this process; False if it was done before that."""
        conductor, ends = self._conductor(life)
        life.on_death(ends.cancel)
        with contextlib.suppress(Killed):
            conductor.start()
            ends.wait()
            life.check()
            conductor.stop()
            return False
        with contextlib.suppress(Killed, RuntimeError):
            conductor.stop()  # its threads end; it may not even have begun
        return True

    def run_on(self, stores: Sequence[FaultyStore]) -> None:
        """Conductors that do all there is to do, one on each of these stores."""
        conductors = [
            conductor_on(store, self.store, self.groups, lease_seconds=2) for store in stores
        ]
        ends = Ends(self.store, self.groups)
        try:
            for conductor in conductors:
                conductor.start()
            assert ends.wait(), "the groups have not ended"
        finally:
            for conductor in conductors:
                conductor.stop()

    def recorded(self, client: str) -> Store:
        """The store, with what is written through it noted as ``client``'s."""
        return RecordingStore(self.store, self.log, lambda: client)

    def kill(self, processes: Processes, end: Point, *, lease_seconds: int = 5) -> bool:
        """A process that is killed with -9 at its ``end``; False if it was done before that."""
        orders = Orders(
            self.endpoint, self.log.path, self.groups, end=end, lease_seconds=lease_seconds
        )
        ended = processes.wait(processes.start(orders))
        assert ended in (0, -signal.SIGKILL), f"ended with {ended}"
        return ended != 0

    def stop(self, processes: Processes, at: Point, *, later: Group) -> tuple[int, Step]:
        """A process that has stopped at a point, as if its machine had been paused; its id,
        and the step.

        ``later``: what it will be asked to do when it goes on.
        """
        orders = Orders(
            self.endpoint,
            self.log.path,
            (*self.groups, later),
            end=at,
            lease_seconds=2,
            is_only_stopped=True,
        )
        pid = processes.start(orders)
        assert processes.wait(pid) == -signal.SIGSTOP
        return pid, pickle.loads(orders.stopped_at.read_bytes())

    def post(self, *groups: Group) -> None:
        """Post more groups."""
        self.groups += groups
        post(self.store, groups)

    def check(self, *, late_calls: int = 0) -> Seen:
        """Check all that has happened. Raises Broken."""
        return check(self._tape.take(), self.groups, self.log.read(), late_calls=late_calls)

    def close(self) -> None:
        """Give the stage up."""
        self._tape.close()

    def picture(self) -> dict[str, Any]:
        """What is stored now."""
        return picture(self.store)

    def _conductor(self, life: Life) -> tuple[Any, Ends]:
        recorded = RecordingStore(self.store, self.log, lambda: conductor.id)
        conductor = conductor_on(
            MortalStore(recorded, life), MortalStore(self.store, life), self.groups
        )
        return conductor, Ends(self.store, self.groups)
