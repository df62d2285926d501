"""``monitoring_worker``: tells the collector what to watch for a resource, and what no longer."""

from __future__ import annotations

from typing import Any

from esi_flows.compiler.monitoring import MonitoringEntry
from esi_flows.compiler.templates import render_monitoring
from esi_flows.handlers.base import Outcome, Run, Steps, Write
from esi_flows.handlers.inputs import template_of, values_of
from esi_flows.model import keys
from esi_flows.model.jobs import Action, Job
from esi_flows.model.results import Target

Entries = tuple[MonitoringEntry, ...]


class MonitoringHandler:
    """Targets are recorded in etcd, in the transaction of the job's outcome.

    As recorded, the reported status is what is wanted, not what is seen: seeing is the
    collector's.
    """

    def execute(self, job: Job, run: Run) -> Steps:
        """Add the targets, or remove them. Raises HandlerError."""
        yield from ()
        entries = _entries(job, run)
        if job.action is Action.DELETE:
            return Outcome(writes=tuple(_remove(job, run, entries)))
        reported = {e.name: e.reported_status for e in entries if e.reported_status}
        return Outcome(
            job_state={"state_monitoring": reported},
            writes=tuple(_add(job, run, entries)),
        )

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        """Remove what was added, or add again what was removed."""
        yield from ()
        if outcome is None:
            return Outcome()  # targets appear with the outcome: without one there are none
        entries = _entries(job, run)
        change = _add if job.action is Action.DELETE else _remove
        return Outcome(writes=tuple(change(job, run, entries)))

    def close(self) -> None:
        """Nothing is held."""


def _entries(job: Job, run: Run) -> Entries:
    return render_monitoring(template_of(job, run), values_of(job, run)).entries


def _add(job: Job, run: Run, entries: Entries) -> list[Write]:
    path = run.catalog.path(job.resource)
    return [
        Write(keys.target(path, entry.name), _target(job, run, entry).encode())
        for entry in entries
        if entry.topic
    ]


def _remove(job: Job, run: Run, entries: Entries) -> list[Write]:
    path = run.catalog.path(job.resource)
    return [Write(keys.target(path, entry.name), None) for entry in entries if entry.topic]


def _target(job: Job, run: Run, entry: MonitoringEntry) -> Target:
    return Target(
        name=entry.name,
        type=entry.type,
        topic=entry.topic,
        resource_type=run.catalog.types[job.resource_type].plural,
        tenant_id=str(job.resource_input.get("tenant_id") or ""),
        version=job.version,
        properties=entry.properties,
        wanted_status=entry.wanted_status,
        interval_seconds=entry.interval_seconds,
        timeout_seconds=entry.timeout_seconds,
        hold_options=entry.hold_options,
    )


def make_handler(conf: Any) -> MonitoringHandler:
    """The handler; it has no settings."""
    return MonitoringHandler()
