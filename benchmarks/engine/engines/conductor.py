"""The product: groups are posted to etcd, conductors admit, claim, run and end them.

Every process has a conductor of its own; whoever is faster runs a group. What is measured goes from
the first group posted to the last group's final record, as seen by a watch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.engine.engines.groups import HANDLER, NoWork, catalog, jobs_of, record_of
from benchmarks.engine.engines.waiting import Ends, Failed
from benchmarks.engine.shapes import Shape
from benchmarks.engine.worker import Engine
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.store.base import Event, Put
from esi_flows.store.etcd import connect

_PUTS_AT_ONCE = 100


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
        self._ends = Ends(self._store, keys.GROUPS, ended_group)

    def run(self, shapes: Sequence[Shape]) -> None:
        """Post all groups, and wait until all have ended. Raises Failed."""
        self._ends.expect(record_of(shape).name for shape in shapes)
        for puts in _parts([put for shape in shapes for put in _posting(shape)]):
            self._store.txn([], puts)
        self._ends.wait()

    def resume(self) -> None:
        """Nothing to do: a conductor goes on with what others leave behind."""

    def close(self) -> None:
        """Stop the conductor."""
        self._ends.close()
        self._conductor.stop()
        self._store.close()


def ended_group(event: Event) -> str:
    """The name of the group that an event says has ended well, or nothing. Raises Failed."""
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
