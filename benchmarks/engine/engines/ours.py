"""Our engine alone: claimed groups run as flows, up to the transaction that ends each of them.

Claims are taken here, many in one transaction; in the product the conductor takes them. Every group
ends as in the product: with one transaction that writes its final record, removes the flow's
records, and gives the claim back.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.engine.engines.groups import (
    HANDLER,
    NothingRecorded,
    NoWork,
    catalog,
    jobs_of,
    record_of,
)
from benchmarks.engine.engines.waiting import Failed
from benchmarks.engine.shapes import Shape
from benchmarks.engine.worker import Engine
from esi_flows.engine.host import FlowHost
from esi_flows.engine.run import FlowEnd, GroupRun
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.store.base import Delete, Op, Put, absent
from esi_flows.store.claims import Claim
from esi_flows.store.etcd import connect
from esi_flows.store.lease import KeptLease

_CLAIMS_AT_ONCE = 50
_LEASE_SECONDS = 10


class OurEngine:
    """One host of flows, as in a conductor."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._store = connect([options["endpoint"]])
        self._lease = KeptLease(self._store, _LEASE_SECONDS)
        self._lease.start()
        name = f"{options['executor']}-{os.getpid()}"
        self._host = FlowHost(self._store, name, lease=self._lease.id, may_run=self._lease.alive)
        self._host.start()
        self._handlers = {HANDLER: NoWork()}
        self._catalog = catalog()

    def run(self, shapes: Sequence[Shape]) -> None:
        """Claim and run all groups at once. Raises Failed."""
        ended = _Countdown(len(shapes))
        for some in _parts(shapes):
            for shape, claim in zip(some, self._claim(some), strict=True):
                self._run(shape, claim, ended)
        ended.wait()

    def resume(self) -> None:
        """Not here: taking over is the conductor's part."""
        raise NotImplementedError

    def close(self) -> None:
        """End all threads."""
        self._host.stop()
        self._lease.stop()
        self._store.close()

    def _claim(self, shapes: Sequence[Shape]) -> Sequence[Claim]:
        names = [record_of(shape).name for shape in shapes]
        value = codec.dumps({"holder": "benchmark"})
        puts = [Put(keys.claim(name), value, self._lease.id) for name in names]
        answer = self._store.txn([absent(put.key) for put in puts], puts)
        if not answer.succeeded:
            raise Failed("groups of these names are claimed already")
        return [Claim(name, answer.revision) for name in names]

    def _run(self, shape: Shape, claim: Claim, ended: _Countdown) -> None:
        record = record_of(shape)
        run = GroupRun(
            claim.name,
            jobs_of(shape),
            self._catalog.path(record.resource),
            host=self._host,
            claim=claim.fence,
            handlers=self._handlers,
            catalog=self._catalog,
            recorded=NothingRecorded(),
            is_new=True,
        )

        def end(found: FlowEnd | Exception) -> None:
            if isinstance(found, FlowEnd) and found.state is GroupState.SUCCESS:
                final = _final(record, found)
                ops: list[Op] = [Put(keys.group(claim.name), final.encode()), Delete(claim.key)]
                run.finish(ops, ended.one)
            else:
                ended.one(found if isinstance(found, Exception) else Failed(found.error))

        run.start(end)


class _Countdown:
    """Waits until so many have ended. Thread-safe."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._error: Exception | None = None
        self._changed = threading.Condition()

    def one(self, error: Exception | None) -> None:
        """One has ended, well or with an error."""
        with self._changed:
            self._left -= 1
            self._error = self._error or error
            if not self._left or error is not None:
                self._changed.notify()

    def wait(self) -> None:
        """Return when all have ended. Raises the first error."""
        with self._changed:
            self._changed.wait_for(lambda: not self._left or self._error is not None)
            if self._error is not None:
                raise self._error


def _final(record: GroupRecord, end: FlowEnd) -> GroupRecord:
    # without the course of each job: that of 10,000 does not fit into a document of etcd
    return record.but(state=end.state, attempts=1, conductor="benchmark")


def _parts(shapes: Sequence[Shape]) -> Iterator[Sequence[Shape]]:
    for start in range(0, len(shapes), _CLAIMS_AT_ONCE):
        yield shapes[start : start + _CLAIMS_AT_ONCE]


def make_engine(options: Mapping[str, Any]) -> Engine:
    """``endpoint``: of etcd; ``executor``: a name for this process."""
    return OurEngine(options)
