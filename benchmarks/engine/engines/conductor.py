"""The product: groups are posted to etcd, conductors admit, claim, run and end them.

Every process has a conductor of its own; whoever is faster runs a group. What is measured goes from
the first group posted to the last group's final record, as seen by a watch.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.engine.engines.groups import HANDLER, NoWork, catalog, jobs_of, record_of
from benchmarks.engine.shapes import Shape
from benchmarks.engine.worker import Engine
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.store.base import Event, Put, Store
from esi_flows.store.etcd import connect

_PUTS_AT_ONCE = 100


class Failed(Exception):
    """A group did not end as it should: what was measured is worth nothing."""


class ConductorEngine:
    """One conductor, and somebody who posts groups and waits for their ends."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._store = connect([options["endpoint"]])
        self._conductor = Conductor(
            self._store,
            catalog(),
            {HANDLER: NoWork()},
            ConductorSettings(lease_seconds=options["lease_seconds"]),
        )
        self._conductor.start()
        self._ends = Ends(self._store)

    def run(self, shapes: Sequence[Shape]) -> None:
        """Post all groups, and wait until all have ended. Raises Failed."""
        for puts in _parts([put for shape in shapes for put in _posting(shape)]):
            self._store.txn([], puts)
        self._ends.wait_for({record_of(shape).name for shape in shapes})

    def resume(self) -> None:
        """Nothing to do: a conductor goes on with what others leave behind."""

    def close(self) -> None:
        """Stop the conductor."""
        self._ends.close()
        self._conductor.stop()
        self._store.close()


class Ends:
    """Knows which groups have ended, from a watch that stays open.

    A watch that begins in the past waits a tenth of a second for etcd to catch up with it.
    """

    def __init__(self, store: Store) -> None:
        start = store.range("/nothing/").revision + 1
        self._watch = store.watch(keys.GROUPS, start_revision=start)
        self._ended: set[str] = set()
        self._failed: Failed | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._follow, name="ends", daemon=True).start()

    def wait_for(self, names: Collection[str]) -> None:
        """Return when all these have ended well. Raises Failed."""
        wanted = set(names)
        with self._changed:
            self._changed.wait_for(lambda: self._failed is not None or wanted <= self._ended)
            if self._failed is not None:
                raise self._failed

    def close(self) -> None:
        """End the watch."""
        self._watch.cancel()

    def _follow(self) -> None:
        for batch in self._watch:
            with self._changed:
                try:
                    self._ended |= {name for event in batch.events if (name := _ended(event))}
                except Failed as error:
                    self._failed = error
                self._changed.notify()


def _ended(event: Event) -> str:
    """The name of the group that an event says has ended well, or nothing."""
    if event.value is None or b'"RUNNING"' in event.value or b'"PENDING"' in event.value:
        return ""  # cheaper than to parse what is of no interest
    record = GroupRecord.decode(event.key, event.value)
    if record.state is not GroupState.SUCCESS:
        raise Failed(f"{record.name}: {record.error}")
    return record.name


def _posting(shape: Shape) -> Iterator[Put]:
    for job in jobs_of(shape):
        yield Put(keys.job(job.id), job.encode())
    # last, so that a group which takes several transactions is posted when it is whole
    record = record_of(shape)
    yield Put(keys.group(record.name), record.encode())


def _parts(puts: Sequence[Put]) -> Iterator[Sequence[Put]]:
    for start in range(0, len(puts), _PUTS_AT_ONCE):
        yield puts[start : start + _PUTS_AT_ONCE]


def make_engine(options: Mapping[str, Any]) -> Engine:
    """``endpoint``: of etcd; ``lease_seconds``: of the conductor."""
    return ConductorEngine(options)
