"""Watches targets for some rounds, and tells what that took."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.collector.server import serving
from benchmarks.compile.measure import peak_memory
from esi_flows.collector.drivers import Drivers, Status, Surroundings, load_drivers
from esi_flows.collector.networks import Networks
from esi_flows.collector.service import Collector
from esi_flows.model import keys
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target
from esi_flows.store.base import Put, Store
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import connect

_LOOK_SECONDS = 0.5
_PUTS_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a number of targets cost; half of them are of type tcp, half of type http."""

    targets: int
    interval_seconds: float
    first_round_seconds: float
    """From the start until every status was written."""
    processor_percent: float
    """Of one core, in the rounds after the first."""
    lateness_median_seconds: float
    lateness_p99_seconds: float
    """How much later than its interval says a target was asked again."""
    peak_memory: float
    """MiB of the collector's process, the store's client included."""


class _Noting:
    """Drivers that note when they are asked."""

    def __init__(self, drivers: Drivers) -> None:
        self._drivers = drivers
        self.asked: dict[str, list[float]] = defaultdict(list)

    async def status(self, target: Target) -> Status:
        self.asked[str(target.properties["number"])].append(time.monotonic())
        return await self._drivers.status(target)


def measure_one(size: int, interval: float) -> Measured:
    """Watch ``size`` targets for about two rounds of ``interval`` seconds after the first."""
    with TemporaryDirectory() as folder, EmbeddedEtcd(Path(folder)) as etcd, serving() as port:
        store = connect([etcd.endpoint])
        _record(store, size, port)
        noting = _Noting(Drivers(load_drivers(Surroundings(Networks())), seconds=5))
        collector = Collector(store, noting, name="measured", interval_seconds=interval)
        started = time.monotonic()
        collector.start()
        _until(lambda: len(store.range(keys.MONITORING).items) == size)
        first = time.monotonic() - started
        _until(lambda: time.monotonic() > started + interval)
        processor, since = time.process_time(), time.monotonic()
        _until(lambda: time.monotonic() > since + interval)
        spent = (time.process_time() - processor) / (time.monotonic() - since)
        collector.stop()
        store.close()
        late = [
            max(after - before - interval, 0.0)
            for times in noting.asked.values()
            for before, after in pairwise(times)
        ]
        return Measured(
            targets=size,
            interval_seconds=interval,
            first_round_seconds=round(first, 1),
            processor_percent=round(100 * spent, 1),
            lateness_median_seconds=round(statistics.median(late), 3),
            lateness_p99_seconds=round(statistics.quantiles(late, n=100)[98], 3),
            peak_memory=round(peak_memory(), 1),
        )


def _record(store: Store, size: int, port: int) -> None:
    puts = [_put(number, port) for number in range(size)]
    for begin in range(0, size, _PUTS_AT_ONCE):
        store.txn([], puts[begin : begin + _PUTS_AT_ONCE])


def _put(number: int, port: int) -> Put:
    kind = "http" if number % 2 else "tcp"
    where = {"url": f"http://127.0.0.1:{port}/", "member": "status"}
    target = Target(
        name="one",
        type=kind,
        topic="",
        resource_type="ports",
        tenant_id="t1",
        version=1,
        properties={
            "number": number,
            **(where if kind == "http" else {"host": "127.0.0.1", "port": port}),
        },
    )
    return Put(keys.target(ResourcePath("v2.0/ports", f"p{number}"), "one"), target.encode())


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(_LOOK_SECONDS)
