"""The workloads: what is run, and which figures come of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.engine.bench import LONG_SECONDS, Bench, typical
from benchmarks.engine.crash import crash
from benchmarks.engine.load import Meter
from benchmarks.engine.shapes import Shape, chain, layers, wide
from benchmarks.engine.writes import idle, writes

Figures = Mapping[str, float]

_REPETITIONS = 60


@dataclass(frozen=True, slots=True)
class Workload:
    """One measurement. ``measure`` raises Broken, TooSlow, NoPostgres."""

    title: str
    measure: Callable[[Bench], Figures]


def latency(bench: Bench, *, length: int = 3) -> Figures:
    """How long one chain takes when nothing else runs, in ms."""
    found = []
    with bench.crew() as crew:
        crew[0].do("each", _chains("warm", 5, length=length), bench.limit)
        for number in range(bench.rounds):
            bench.patience.wait_quiet()
            meter = Meter()
            one_by_one = _chains(f"one{number}", _REPETITIONS, length=length)
            seconds = crew[0].do("each", one_by_one, bench.limit)["seconds"]
            used = meter.read()
            about = {"seconds": used.wall, "others_cores": used.others_cores}
            found.append(_percentiles(seconds) | about)
            if used.wall > LONG_SECONDS:
                break
    return typical(found)


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(seconds) * 1000, 2),
        "p95_ms": round(statistics.quantiles(seconds, n=20)[-1] * 1000, 2),
    }


def throughput(count: int) -> Callable[[Bench], Figures]:
    """Chains of three, all at once, over all processes of the variant: steps a second."""

    def measure(bench: Bench) -> Figures:
        return bench.together(lambda name: _chains(name, int(count * bench.variant.share)))

    return measure


def one_flow(make: Callable[[str], Shape]) -> Callable[[Bench], Figures]:
    """One large flow: seconds, steps a second, seconds of the processor."""

    def measure(bench: Bench) -> Figures:
        return bench.together(lambda name: [make(name)])

    return measure


def growth(bench: Bench) -> Figures:
    """Seconds of the engine's own process for one flow of ten layers, by number of jobs."""
    figures = {}
    for size in (10, 100, 1000, 10000):
        found = one_flow(partial(layers, count=10, width=size // 10, parents=3))(bench)
        figures[f"cpu_ms_per_job_{size}"] = round(found["engine_cpu_s"] / size * 1000, 3)
    return figures


def intents(bench: Bench) -> Figures:
    """One intent when nothing else is there, and 300 at once."""
    found = bench.together(lambda name: _chains(name, 300, length=1))
    return {
        "one_intent_ms": latency(bench, length=1)["median_ms"],
        "300_intents_per_s": found["steps_per_s"],
        "cpu_ms_per_intent": found["cpu_ms_per_step"],
        "others_cores": found["others_cores"],
    }


def _chains(name: str, count: int, *, length: int = 3) -> Sequence[Shape]:
    return [chain(f"{name}-{number}", length) for number in range(count)]


WORKLOADS: Mapping[str, Workload] = {
    "w1": Workload("A, B, C one after the other: latency", latency),
    "w2": Workload("300 chains of 3 at once", throughput(300)),
    "w2-1500": Workload("1,500 chains of 3 at once", throughput(1500)),
    "w3a": Workload("1 + 200 + 1 steps", one_flow(lambda name: wide(name, 200))),
    "w3b": Workload(
        "1,000 steps, 10 layers of 100", one_flow(lambda name: layers(name, 10, 100, 3))
    ),
    "layers-100": Workload(
        "100 steps, 10 layers of 10", one_flow(lambda name: layers(name, 10, 10, 3))
    ),
    "layers-5000": Workload(
        "5,000 steps, 500 layers of 10", one_flow(lambda name: layers(name, 500, 10, 2))
    ),
    "growth": Workload("one flow of 10 to 10,000 steps in 10 layers", growth),
    "w4": Workload("kill -9 in a chain of 20 steps of 0.2 s", crash),
    "writes": Workload("what reaches etcd", writes),
    "idle": Workload("nothing to do", idle),
    "intents": Workload("from config to state", intents),
}
