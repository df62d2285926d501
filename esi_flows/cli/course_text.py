"""A course as lines to read: what happened to a group, in the order of time."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.text import Text

from esi_flows.cli.lines import one_line
from esi_flows.cli.screen import Screen, seconds
from esi_flows.deployments.progress import Phase
from esi_flows.history.courses import Course
from esi_flows.model.groups import GroupRecord, GroupState, JobCourse
from esi_flows.model.steering import Want

_ORDERED = {
    Want.RUN: "resumed",
    Want.SUSPEND: "told to suspend",
    Want.CANCEL: "told to cancel",
    Want.RETRY: "told to retry",
}
_PHASES = {
    GroupState.SUCCESS: Phase.DONE,
    GroupState.REVERTED: Phase.REVERTED,
    GroupState.FAILURE: Phase.FAILED,
    GroupState.CANCELLED: Phase.CANCELLED,
}


def course_lines(screen: Screen, course: Course) -> Iterator[Text]:
    """The head, everything that happened, and why it ended as it did."""
    record = course.record
    symbol = screen.symbol(_PHASES.get(record.state, Phase.RUNNING))
    yield Text.assemble(symbol, " ", (record.name, "bold"), f"  {record.action.value}")
    for at, text in sorted(_happened(record)):
        yield Text(f"  {when(at)}  {text}")
    if record.error:
        yield Text(f"Error       {one_line(record.error)}", style="red")
    yield Text(f"Course      {course.id}")
    if course.pinned:
        yield Text(f"Pinned      by {course.pinned}")


def when(at: float) -> str:
    """A time of this place to the millisecond."""
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))}.{int(at * 1000) % 1000:03d}"


def _happened(record: GroupRecord) -> Iterator[tuple[float, str]]:
    yield record.posted_at, "posted"
    for number, claim in enumerate(record.claims, record.attempts - len(record.claims) + 1):
        attempt = f" (attempt {number})" if number > 1 else ""
        yield claim.at, f"claimed by {claim.conductor}{attempt}"
    for order in record.orders:
        yield order.at, f"{_ORDERED[order.want]} {order}"
    for job in record.course:
        yield from _job_happened(job)
    yield record.ended_at, f"ended {record.state.value}"


def _job_happened(job: JobCourse) -> Iterator[tuple[float, str]]:
    name = ":".join(job.id.split(":", 2)[:2])
    if job.started_at:
        yield job.started_at, f"{name} started"
    if job.ended_at:
        took = (
            f" after {seconds(max(0.0, job.ended_at - job.started_at))}" if job.started_at else ""
        )
        error = f": {one_line(job.error)}" if job.error else ""
        yield job.ended_at, f"{name} {job.state}{took}{error}"
