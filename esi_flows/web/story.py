"""What happened to one group, in the order of time, as far as it is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from esi_flows.deployments.progress import JobProgress, Phase
from esi_flows.web.groups import Row
from esi_flows.web.words import ORDERED, seconds


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened; ``at`` is seconds since the epoch, ``phase`` the sign it has."""

    at: float
    text: str
    phase: Phase | None = None
    error: str = ""


def story(row: Row) -> list[Happened]:
    """Everything that happened to a group, the oldest first."""
    return sorted(_happened(row), key=lambda happened: happened.at)


def _happened(row: Row) -> Iterator[Happened]:
    record = row.record
    yield Happened(record.posted_at, "posted")
    for number, claim in enumerate(record.claims, record.attempts - len(record.claims) + 1):
        again = f", attempt {number}" if number > 1 else ""
        yield Happened(claim.at, f"claimed by {claim.conductor}{again}", Phase.RUNNING)
    orders = record.orders or (row.steering.orders if row.steering is not None else ())
    for order in orders:
        yield Happened(order.at, f"{ORDERED[order.want]} {order}")
    for job in row.jobs:
        yield from _of_job(job)
    if record.ended_at:
        yield Happened(record.ended_at, f"ended {record.state.value}", row.phase)


def _of_job(job: JobProgress) -> Iterator[Happened]:
    if job.started_at:
        yield Happened(job.started_at, f"{job.name} started", Phase.RUNNING)
    if job.ended_at:
        took = f" after {seconds(job.seconds)}" if job.seconds else ""
        yield Happened(job.ended_at, f"{job.name} {job.phase.value}{took}", job.phase, job.error)
