"""A recorded session once more, with our conductor in place of the original.

The replay is the surroundings: gohan, who writes configurations and removes states; the collector,
who writes what it sees; Heat and the monitored world, which take as long as they took. What they
did is done again in the recorded order, and nothing of it before what they had been told by then:
before each change of theirs, our store must have gone through every state that was recorded before.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from esi_flows.catalog.types import HEAT_WORKER, MONITORING_WORKER
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.handlers.base import Handler, Outcome, Run, Steps
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.handlers.heat.poller import StackPoller
from esi_flows.handlers.monitoring import MonitoringHandler
from esi_flows.model import keys
from esi_flows.model.jobs import Job
from esi_flows.model.results import HeatStack
from esi_flows.store.base import Store
from tests.conformance.comparing import comparable_store
from tests.conformance.history import History
from tests.conformance.lost import events_of
from tests.conformance.recordings import Recording
from tests.conformance.stand_in_heat import Asked, StandInHeat

MASTER = "/job_manager_id"
"""The original's job manager begins to work with this key."""

STUCK_SECONDS = 10.0
"""So long nothing comes of what the recording tells: it will not come at all."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a replay. ``stuck``: why it did not come to its end, empty if it did."""

    history: Mapping[str, Sequence[Any]]
    store: Mapping[str, Any]
    asked: Sequence[Asked]
    stuck: str = ""


class Stuck(Exception):
    """What the recording tells did not happen here."""


class Gates:
    """Lets jobs end when they ended in the recording. Thread-safe."""

    def __init__(self) -> None:
        self._gates: defaultdict[str, Future[None]] = defaultdict(Future)
        self._lock = threading.Lock()

    def of(self, job_id: str) -> Future[None]:
        """The gate of a job, whatever the random end of its id."""
        with self._lock:
            return self._gates[_unsuffixed(job_id)]


class Paced:
    """A handler that takes its time: as long as the recorded one took."""

    def __init__(self, handler: Handler, gates: Gates) -> None:
        self._handler = handler
        self._gates = gates

    def execute(self, job: Job, run: Run) -> Steps:
        yield self._gates.of(job.id)
        return (yield from self._handler.execute(job, run))

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        return (yield from self._handler.revert(job, run, outcome))

    def close(self) -> None:
        self._handler.close()


def replay(recording: Recording, store: Store) -> Replayed:
    """Replay a recording into an empty store."""
    heat = StandInHeat(_stacks(recording))
    heat.start()
    clouds = heat.clouds()
    poller = StackPoller(clouds, min_seconds=0.01, max_seconds=0.05)
    poller.start()
    gates = Gates()
    handlers: dict[str, Handler] = {
        HEAT_WORKER: HeatHandler(clouds, poller, grace_seconds=60),
        MONITORING_WORKER: Paced(MonitoringHandler(), gates),
    }
    conductor = Conductor(store, recording.catalog, handlers, ConductorSettings(lease_seconds=10))
    history = History(store)
    course = _Course(recording, store, history, conductor, heat, gates)
    try:
        stuck = course.run()
    finally:
        course.stop()
        for handler in handlers.values():
            handler.close()
        history.close()
        heat.stop()
    return Replayed(history.below("/"), history.now(), heat.asked, stuck)


@dataclass
class _Course:
    recording: Recording
    store: Store
    history: History
    conductor: Conductor
    heat: StandInHeat
    gates: Gates
    started: bool = False
    stated: Counter[str] = field(default_factory=Counter)

    def run(self) -> str:
        """Everything that was recorded, in order; why it came to no end, or nothing."""
        ends = _ends_of_monitoring_jobs(self.recording)
        try:
            events = events_of(self.recording)
            if MASTER not in {event["k"] for event in events}:
                self._start()
            for event in events:
                self._happens(event)
                for job_id in ends.pop(event["i"], ()):
                    self.gates.of(job_id).set_result(None)
            self._until_stated()
            self._until_settled()
        except Stuck as error:
            return str(error)
        return ""

    def stop(self) -> None:
        if self.started:
            self.conductor.stop()

    def _start(self) -> None:
        if not self.started:
            self.started = True
            self.conductor.start()

    def _happens(self, event: Mapping[str, Any]) -> None:
        key, document = event["k"], event["v"]
        if key == MASTER:
            self._start()
        elif key.startswith(keys.CONFIG):
            self._until_stated()
            self._write(key, document if document is None else _as_gohan_writes(document))
            if document is not None and "/heat_templates/" not in key:
                self._until_taken(key, document["version"])
        elif key.startswith(keys.STATE):
            if document is not None:
                self.stated[key] += 1
            else:
                self._until_stated()
                self._write(key, None)
        elif key.startswith(keys.MONITORING):
            self._write(key, document)
        elif key.startswith(keys.HEAT_STACKS) and document is not None:
            self.heat.let_finish(_stack_name(document))

    def _write(self, key: str, document: Any) -> None:
        if document is None:
            self.store.delete(key)
        else:
            self.store.put(key, json.dumps(document).encode())

    def _until_taken(self, key: str, version: int) -> None:
        """The original took each document as it came, knowing none that came later."""
        memo = keys.MEMO + key.removeprefix(keys.CONFIG)

        def taken() -> bool:
            found = self.history.last(memo)
            refused = self.history.last(keys.quarantine(key))
            return refused is not None or (found is not None and found["version"] == version)

        if self.started:
            self._until(taken, lambda: f"version {version} of {key} was taken")

    def _until_stated(self) -> None:
        def missing() -> list[str]:
            return [key for key, count in self.stated.items() if self._states(key) < count]

        self._until(
            lambda: not missing(), lambda: f"{', '.join(missing())} was written as recorded"
        )

    def _states(self, key: str) -> int:
        return sum(document is not None for document in self.history.of(key))

    def _until_settled(self) -> None:
        """All that is still to be done is done; if not, the comparison shows the difference."""
        if not self.recording.final_store:
            return
        wanted = comparable_store(self.recording.final_store)
        self.history.until(lambda: comparable_store(self.history.now()) == wanted, STUCK_SECONDS)

    def _until(self, holds: Callable[[], bool], what: Callable[[], str]) -> None:
        if self.history.until(holds, STUCK_SECONDS):
            return
        reports = [f"it never came about that {what()}"]
        for root in (keys.QUARANTINE, keys.GROUPS):
            for key, found in self.history.below(root).items():
                if found[-1] is not None and found[-1].get("state") != "SUCCESS":
                    reports.append(f"  {key}: {json.dumps(found[-1])}")
        raise Stuck("\n".join(reports))


def _ends_of_monitoring_jobs(recording: Recording) -> dict[int, list[str]]:
    """Which monitoring jobs have ended with each event, at the latest.

    The state is written by the last job before it leaves the queue; whoever reads the state may
    rely on it.
    """
    stated: dict[tuple[str, int], int] = {}
    for event, key in recording.written(keys.STATE):
        stated.setdefault((key, event["v"]["version"]), event["i"])
    ends: defaultdict[int, list[str]] = defaultdict(list)
    for event in recording.events:
        job = recording.jobs.get(event["k"].removeprefix(keys.JOBS))
        if job is None or event["v"] is not None or job.handler == HEAT_WORKER:
            continue
        at = event["i"]
        if job.is_last:
            state_key = keys.state(recording.catalog.path(job.resource))
            at = min(at, stated.get((state_key, job.version), at))
        ends[at].append(job.id)
    return ends


def _stacks(recording: Recording) -> dict[str, list[HeatStack]]:
    ends: defaultdict[str, list[HeatStack]] = defaultdict(list)
    for event, key in recording.written(keys.HEAT_STACKS):
        stack = HeatStack.decode(key, json.dumps(event["v"]).encode())
        ends[_stack_name(event["v"])].append(stack)
    return ends


def _stack_name(document: Mapping[str, Any]) -> str:
    # its own field for the name is empty once the stack is deleted
    return str(document["id"]).replace(":", "_", 1)


def _as_gohan_writes(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "body": json.dumps(document["body"])}


def _unsuffixed(job_id: str) -> str:
    return job_id.rpartition(":")[0]
