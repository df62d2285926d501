"""Which groups may run: a graph of the unfinished ones, kept current by the watch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import networkx as nx

from esi_flows.conductor.turns import Turns
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import group_of

_ROLES = frozenset((keys.READER_ROLE, keys.COLLECTOR_ROLE))
"""What is claimed without being a group."""


class Census(NamedTuple):
    """Numbers of groups at one moment; ``runnable_since`` is on the clock of the admission."""

    unfinished: int = 0
    runnable: int = 0
    claimed: int = 0
    runnable_since: float | None = None


class Admission:
    """Knows what each unfinished group waits for. Pure bookkeeping: no I/O, no locks.

    A group may run once every group that owns a job it waits for has ended well, for only then can
    nothing under it be reverted any more. If one of them ends otherwise, the group is doomed;
    but not because of an earlier version of its own resource. A
    group whose record is nowhere has ended long ago. Records may be told in any order; whoever asks
    must have told all that are known.
    """

    def __init__(
        self, turns: Turns | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``turns`` is told which groups may run."""
        self._clock = clock
        # an edge leads from every group that has not ended, as far as known, to who waits for it
        self._waiting: nx.DiGraph = nx.DiGraph()
        self._unfinished: dict[str, GroupRecord] = {}
        self._failed: dict[str, str] = {}
        self._claimed: set[str] = set()
        self._ready = turns if turns is not None else Turns()
        self._doomed: dict[str, str] = {}
        self._held: set[str] = set()

    def update(self, record: GroupRecord) -> None:
        """A group was posted, claimed or ended."""
        known = self._unfinished.get(record.name)
        if record.state.ended:
            self._end(record)
        elif known is not None and known.job_ids == record.job_ids:
            self._unfinished[record.name] = record
            self._reconsider(record.name)
        else:
            if known is not None:
                self.forget(record.name)  # it has ended unseen, and another of its name begun
            self._admit(record)

    def forget(self, name: str) -> None:
        """The record of a group is gone."""
        record = self._unfinished.get(name)
        if record is not None:
            self._end(record.but(state=GroupState.SUCCESS))
        self._failed.pop(name, None)

    def claimed(self, name: str) -> None:
        """Somebody holds the claim of a group."""
        self._claimed.add(name)
        self._ready.remove(name)

    def defer(self, name: str) -> None:
        """A claim was refused: wait until the watch tells why."""
        self._ready.remove(name)

    def consider(self, name: str) -> None:
        """A group whose turn had come was not claimed, and may be."""
        self._reconsider(name)

    def hold(self, name: str) -> None:
        """Somebody wants a group not to run."""
        self._held.add(name)
        self._ready.remove(name)

    def unhold(self, name: str) -> None:
        """Nobody wants a group not to run; a claim that was refused may be tried again."""
        self._held.discard(name)
        self._reconsider(name)

    def reconsider_all(self) -> None:
        """Claims that were refused may be tried again."""
        for name in self._unfinished:
            self._reconsider(name)

    def released(self, name: str) -> None:
        """Nobody holds the claim of a group any more."""
        self._claimed.discard(name)
        self._reconsider(name)

    def runnable(self) -> list[str]:
        """Groups that may run and that nobody runs, the longest runnable first."""
        return self._ready.waiting()

    def census(self) -> Census:
        """How many groups there are, and since when the one runnable longest is so."""
        since = self._ready.since
        claimed = len(self._claimed) - len(_ROLES & self._claimed)
        return Census(len(self._unfinished), len(self._ready), claimed, since)

    def doomed(self) -> list[tuple[str, str]]:
        """Groups that will never run, each with the id of the job whose failure is the reason."""
        return list(self._doomed.items())

    def _admit(self, record: GroupRecord) -> None:
        """Take in a group. Records come in any order: it may be told of before its owners."""
        name = record.name
        self._unfinished[name] = record
        self._failed.pop(name, None)
        self._waiting.add_node(name)
        # never for itself: those are jobs of an earlier group of its name, which has ended
        for owner in {group_of(job_id) for job_id in record.waits_for} - {name}:
            self._waiting.add_edge(owner, name)
            self._doom(name, owner)
        for waiter in self._waiting.successors(name):
            self._ready.remove(waiter)
        self._reconsider(name)

    def _end(self, record: GroupRecord) -> None:
        name = record.name
        for known in (self._unfinished, self._doomed, self._failed):
            known.pop(name, None)
        self._ready.remove(name)
        self._claimed.discard(name)
        self._held.discard(name)
        waiters = self._leave_graph(name)
        if record.state is not GroupState.SUCCESS:
            self._failed[name] = record.failed_job or name
            for waiter in waiters:
                self._doom(waiter, name)
        for waiter in waiters:
            self._reconsider(waiter)

    def _leave_graph(self, name: str) -> list[str]:
        """Drop a group, and what only it was waiting for in vain; who has waited for it."""
        if name not in self._waiting:
            return []
        waiters = list(self._waiting.successors(name))
        unheard = [
            owner
            for owner in self._waiting.predecessors(name)
            if owner not in self._unfinished and self._waiting.out_degree(owner) == 1
        ]
        self._waiting.remove_nodes_from([name, *unheard])
        return waiters

    def _doom(self, name: str, owner: str) -> None:
        """Give a group up if what it waits for has failed.

        An earlier version of the same resource is only waited for in turn: the newer one is what
        corrects it, or takes it away.
        """
        if owner in self._failed and _resource_of(owner) != _resource_of(name):
            self._doomed.setdefault(name, self._failed[owner])
            self._ready.remove(name)

    def _reconsider(self, name: str) -> None:
        kept = name in self._claimed or name in self._doomed or name in self._held
        if name not in self._unfinished or kept:
            return
        if not any(owner in self._unfinished for owner in self._waiting.predecessors(name)):
            self._ready.add(name, self._clock())


def _resource_of(group: str) -> str:
    return group.rpartition(":")[0]
