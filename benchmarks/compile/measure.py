"""Compiles networks of several sizes, and tells what that took."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compile.network import Wanted, network
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.compiler.changes import compile_change
from esi_flows.compiler.groups import JobGroup
from esi_flows.compiler.queue import Queue
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef

ADDED = 300
"""How many intents are added one by one to a network that is compiled; some tenants' worth."""

ROUNDS = 5
"""How often everything is done; the best counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What compiling a network took. Times are seconds of processor time, memory is MiB.

    The work is one thread's and waits for nothing: on a machine with nothing else to do the
    processor's time is the clock's. The best of several rounds counts, since all that other
    programs do can only make it worse.
    """

    intents: int
    jobs: int
    seconds: float
    intents_per_second: float
    peak_memory: float
    """Of the whole process, its code and the intents included."""
    memory_for_intents: float
    """How much the peak grew from before the intents were made."""
    add_one: float
    """Compiling one intent more, on average over tenants' worth of all kinds of resources."""


class Network:
    """What a conductor knows of a network: its documents, and the jobs that are not finished.

    Nothing ever finishes here: the queue is as long as it can become.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.queue = Queue()
        self.jobs = 0
        self._catalog = catalog
        self._intents: dict[ResourceRef, Intent] = {}

    def intent(self, resource: ResourceRef) -> Intent | None:
        """The document of a resource, or None."""
        return self._intents.get(resource)

    def compile(self, wanted: Sequence[Wanted]) -> list[str]:
        """Compile intents in order; the ids of their jobs."""
        posted = []
        for resource_ref, intent in wanted:
            self._intents[resource_ref] = intent
            compiled = compile_change(
                resource_ref,
                intent,
                memo=None,
                documents=self,
                catalog=self._catalog,
                queue=self.queue,
                suffix=lambda: "bench",
            )
            if isinstance(compiled, JobGroup):
                for job in compiled.jobs:
                    self.queue.add(job)
                    posted.append(job.id)
        self.jobs += len(posted)
        return posted

    def forget(self, wanted: Sequence[Wanted], posted: Sequence[str]) -> None:
        """As if these had never been compiled."""
        for job_id in posted:
            self.queue.remove(job_id)
        for resource_ref, _ in wanted:
            del self._intents[resource_ref]
        self.jobs -= len(posted)


def measure_one(size: int, flows: Path, deployment: str) -> Measured:
    """Compile a network of ``size`` intents, and some more one by one. Raises InvalidInput."""
    catalog = load_catalog(flows)
    Network(catalog).compile(network(100, flows / "deployments" / deployment, catalog))
    before = peak_memory()
    wanted = network(size + ADDED, flows / "deployments" / deployment, catalog)
    known = Network(catalog)
    seconds = timed(lambda: known.compile(wanted[:size]))
    peak = peak_memory()
    more = [timed(lambda: Network(catalog).compile(wanted[:size])) for _ in range(1, ROUNDS)]
    seconds = min(seconds, *more)
    return Measured(
        intents=size,
        jobs=known.jobs,
        seconds=round(seconds, 4),
        intents_per_second=round(size / seconds, 1),
        peak_memory=round(peak, 1),
        memory_for_intents=round(peak - before, 1),
        add_one=min(add(known, wanted[size:]) for _ in range(ROUNDS)),
    )


def add(known: Network, more: Sequence[Wanted]) -> float:
    """Add intents one by one, and take them out again; seconds for one of them."""
    posted: list[str] = []
    seconds = timed(lambda: posted.extend(known.compile(more)))
    known.forget(more, posted)
    return seconds / len(more)


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time that some work takes."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def peak_memory() -> float:
    """The most that this process has ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
