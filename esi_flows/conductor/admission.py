"""Which groups may run: a graph of the unfinished ones, kept current by the watch."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import group_of


class Admission:
    """Knows what each unfinished group waits for. Pure bookkeeping: no I/O, no locks.

    A group may run once every group that owns a job it waits for has ended well, for only then can
    nothing under it be reverted any more. If one of them ends otherwise, the group is doomed.
    """

    def __init__(self) -> None:
        self._waiting: nx.DiGraph = nx.DiGraph()
        self._unfinished: dict[str, GroupRecord] = {}
        self._ended: dict[str, GroupRecord] = {}
        self._claimed: set[str] = set()
        self._ready: dict[str, None] = {}
        self._doomed: dict[str, str] = {}

    def update(self, record: GroupRecord) -> None:
        """A group was posted, claimed or ended."""
        name = record.name
        if record.state.ended:
            self._end(record)
            return
        is_new = name not in self._unfinished
        self._unfinished[name] = record
        self._ended.pop(name, None)
        if is_new:
            self._admit(record)
        else:
            self._reconsider(name)

    def forget(self, name: str) -> None:
        """The record of a group is gone."""
        record = self._unfinished.get(name)
        if record is not None:
            self._end(record.but(state=GroupState.SUCCESS))
        self._ended.pop(name, None)

    def claimed(self, name: str) -> None:
        """Somebody holds the claim of a group."""
        self._claimed.add(name)
        self._ready.pop(name, None)

    def defer(self, name: str) -> None:
        """A claim was refused: wait until the watch tells why."""
        self._ready.pop(name, None)

    def released(self, name: str) -> None:
        """Nobody holds the claim of a group any more."""
        self._claimed.discard(name)
        self._reconsider(name)

    def runnable(self) -> list[str]:
        """Groups that may run and that nobody runs, the longest runnable first."""
        return list(self._ready)

    def doomed(self) -> list[tuple[str, str]]:
        """Groups that will never run, each with the id of the job whose failure is the reason."""
        return list(self._doomed.items())

    def unfinished(self) -> Iterable[GroupRecord]:
        """Every group that has not ended."""
        return self._unfinished.values()

    def _admit(self, record: GroupRecord) -> None:
        self._waiting.add_node(record.name)
        for owner in {group_of(job_id) for job_id in record.waits_for}:
            ended = self._ended.get(owner)
            if owner in self._unfinished:
                self._waiting.add_edge(owner, record.name)
            elif ended is not None and ended.state is not GroupState.SUCCESS:
                self._doom(record.name, ended)
        self._reconsider(record.name)

    def _end(self, record: GroupRecord) -> None:
        name = record.name
        self._ended[name] = record
        self._ready.pop(name, None)
        self._doomed.pop(name, None)
        self._claimed.discard(name)
        if self._unfinished.pop(name, None) is None or name not in self._waiting:
            return
        waiting = list(self._waiting.successors(name))
        self._waiting.remove_node(name)
        for waiter in waiting:
            if record.state is not GroupState.SUCCESS:
                self._doom(waiter, record)
            self._reconsider(waiter)

    def _doom(self, name: str, cause: GroupRecord) -> None:
        self._doomed.setdefault(name, cause.failed_job or cause.name)
        self._ready.pop(name, None)

    def _reconsider(self, name: str) -> None:
        if name not in self._unfinished or name in self._claimed or name in self._doomed:
            return
        if self._waiting.in_degree(name) == 0:
            self._ready.setdefault(name)
