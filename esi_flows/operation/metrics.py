"""All metrics: their names, what they mean, and their labels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from esi_flows import __version__
from esi_flows.handlers.base import TellsErrands
from esi_flows.model.vitals import Vitals, Workload

_LONG = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600)
_SHORT = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The metrics of one process, in a registry of their own.

    Labels only hold words of ours: actions, states, names of handlers, calls and errors; never
    what somebody wrote into a document.
    """

    def __init__(self) -> None:
        # a series more for each counter, telling when it was made: nobody asks for that
        disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs
        self.registry = registry = CollectorRegistry()
        # the process is described by the library's own collectors: memory, CPU, open files
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Info("esi_flows_build", "What is running.", registry=registry).info(
            {"version": __version__}
        )
        Gauge("esi_flows_threads", "Threads of the process.", registry=registry).set_function(
            threading.active_count
        )
        self._add_groups()
        self._add_jobs()
        self._add_outside()

    def _add_groups(self) -> None:
        self.groups_posted = Counter(
            "esi_flows_groups_posted", "Job groups posted.", ["action"], registry=self.registry
        )
        self.claims_taken = Counter(
            "esi_flows_claims_taken",
            "Groups claimed; again: an earlier claim of the same group came to no end.",
            ["action", "again"],
            registry=self.registry,
        )
        self.groups_ended = Counter(
            "esi_flows_groups_ended",
            "Groups ended, by the state they ended in.",
            ["action", "state"],
            registry=self.registry,
        )
        self.group_seconds = Histogram(
            "esi_flows_group_seconds",
            "From the first claim of a group to its end.",
            ["action", "state"],
            buckets=_LONG,
            registry=self.registry,
        )
        self.group_waiting_seconds = Histogram(
            "esi_flows_group_waiting_seconds",
            "From the posting of a group to its first claim.",
            ["action"],
            buckets=_LONG,
            registry=self.registry,
        )

    def _add_jobs(self) -> None:
        self.job_seconds = Histogram(
            "esi_flows_job_seconds",
            "Runs of handlers, what they wait for included; step is execute or revert.",
            ["handler", "action", "step"],
            buckets=_LONG,
            registry=self.registry,
        )
        self.jobs = Counter(
            "esi_flows_jobs",
            "Runs of handlers by how they ended: ok, failed, or interrupted and to be run again.",
            ["handler", "action", "step", "outcome"],
            registry=self.registry,
        )
        self.jobs_recovered = Counter(
            "esi_flows_jobs_recovered",
            "Runs of handlers after an earlier run that came to no end.",
            ["handler", "action"],
            registry=self.registry,
        )
        self.jobs_running = Gauge(
            "esi_flows_jobs_running",
            "Runs of handlers under way, waiting ones included.",
            ["handler"],
            registry=self.registry,
        )

    def _add_outside(self) -> None:
        self.calls = Counter(
            "esi_flows_handler_calls",
            "Calls that handlers made outside (of Heat, for one), by how they went.",
            ["handler", "call", "outcome"],
            registry=self.registry,
        )
        self.call_seconds = Histogram(
            "esi_flows_handler_call_seconds",
            "How long these calls took.",
            ["handler", "call"],
            buckets=_SHORT,
            registry=self.registry,
        )
        self.store_seconds = Histogram(
            "esi_flows_store_seconds",
            "Calls of etcd by operation, tries at several endpoints included.",
            ["operation"],
            buckets=_SHORT,
            registry=self.registry,
        )
        self.store_errors = Counter(
            "esi_flows_store_errors",
            "Calls of etcd that raised an error.",
            ["operation", "error"],
            registry=self.registry,
        )
        self.store_refused = Counter(
            "esi_flows_store_refused",
            "Transactions that etcd refused because something had changed or a claim was lost.",
            registry=self.registry,
        )

    def follow(
        self, vitals: Callable[[], Vitals], workload: Callable[[], Workload] | None = None
    ) -> None:
        """Ask a service for its facts whenever somebody asks for the metrics."""
        self.registry.register(_Facts(vitals, workload))

    def follow_errands(self, handlers: Iterable[object]) -> None:
        """Ask those handlers that have workers how much these have to do."""
        tellers = [handler for handler in handlers if isinstance(handler, TellsErrands)]
        if tellers:
            self.registry.register(_Errands(tellers))


class _Errands(Collector):
    def __init__(self, tellers: Sequence[TellsErrands]) -> None:
        self._tellers = tellers

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "esi_flows_errands",
            "Jobs given to the workers of a topic: waiting for a worker, or running on one.",
            labels=["topic", "state"],
        )
        # handlers of one topic tell the same
        for errands in {
            e.topic: e for e in (teller.errands() for teller in self._tellers)
        }.values():
            family.add_metric([errands.topic, "waiting"], errands.waiting)
            family.add_metric([errands.topic, "running"], errands.under_way)
        yield family


class _Facts(Collector):
    """Metrics that are facts of the moment."""

    def __init__(
        self, vitals: Callable[[], Vitals], workload: Callable[[], Workload] | None
    ) -> None:
        self._vitals = vitals
        self._workload = workload

    def collect(self) -> Iterator[Metric]:
        """The facts; of the workload, the one that tells most comes first."""
        if self._workload is not None:
            yield from _of_workload(self._workload())
        vitals = self._vitals()
        yield GaugeMetricFamily(
            "esi_flows_lease_remaining_seconds",
            "What the service's lease has left for certain; 0: lost.",
            vitals.lease_seconds,
        )
        yield GaugeMetricFamily(
            "esi_flows_synced", "1 once all that is stored is known.", int(vitals.is_synced)
        )
        busy = GaugeMetricFamily(
            "esi_flows_thread_busy_seconds",
            "How long a thread has been at its present piece of work.",
            labels=["thread"],
        )
        for thread, seconds in vitals.busy_seconds.items():
            busy.add_metric([thread], seconds)
        yield busy


def _of_workload(load: Workload) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "esi_flows_oldest_runnable_group_age_seconds",
        "For how long a group could run and nobody runs it; 0: there is none.",
        load.oldest_runnable_seconds,
    )
    groups = GaugeMetricFamily(
        "esi_flows_groups",
        "Unfinished groups of the whole store: waiting for others, runnable, claimed by somebody.",
        labels=["state"],
    )
    for state in ("waiting", "runnable", "claimed"):
        groups.add_metric([state], getattr(load, state))
    yield groups
    yield GaugeMetricFamily(
        "esi_flows_running_groups", "Groups that this conductor runs.", load.running
    )
    yield GaugeMetricFamily(
        "esi_flows_queue_depth", "Changed keys not looked at yet.", load.changed_keys
    )
    yield GaugeMetricFamily(
        "esi_flows_reader", "1 while this conductor compiles intents.", int(load.reads)
    )
    yield CounterMetricFamily(
        "esi_flows_claims_lost", "Claims lost while their groups ran.", load.claims_lost
    )
