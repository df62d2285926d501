"""Resources and their jobs as a tree of lines that fit the screen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.text import Text

from esi_flows.cli.lines import one_line, waiting_text
from esi_flows.cli.screen import Screen, seconds
from esi_flows.deployments.board import Board
from esi_flows.deployments.progress import JobProgress, Phase, ResourceProgress

_UUID = re.compile(
    r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b([0-9a-f]{8})[0-9a-f]{24}\b"
)
SHOWN_WITH_JOBS = (
    Phase.RUNNING,
    Phase.REVERTING,
    Phase.SUSPENDED,
    Phase.FAILED,
    Phase.REVERTED,
)


def resource_lines(
    screen: Screen,
    board: Board,
    progress: ResourceProgress,
    *,
    now: float,
    jobs: bool,
    brief: bool = False,
) -> list[Text]:
    """A resource in one line, with ``jobs`` one more for each job. ``now``: epoch seconds.

    ``brief`` names resources by the beginning of their ids.
    """
    name = str(progress.resource)
    waits = waiting_text(board, progress)
    if brief:
        name, waits = shortened(name), shortened(waits)
    head = Text.assemble(screen.symbol(progress.phase), " ", (name, "bold"))
    head.append(f"  v{progress.followed.version}")
    if progress.action:
        head.append(f" {progress.action}")
    notes = [_time(progress, now), waits, one_line(progress.error)]
    lines = [_with_notes(head, notes)]
    if jobs:
        width = max((len(job.name) for job in progress.jobs), default=0)
        lines += [_job_line(screen, job, width, now) for job in progress.jobs]
    return [_cut(screen, line) for line in lines]


def live_lines(
    screen: Screen,
    board: Board,
    resources: Sequence[ResourceProgress],
    *,
    now: float,
    height: int,
) -> list[Text]:
    """All resources in at most ``height`` lines: what is done folds first, then what waits."""
    folding: tuple[tuple[Phase, ...], ...] = ((), (Phase.DONE,), (Phase.DONE, Phase.WAITING))
    lines: list[Text] = []
    for folded in folding:
        lines = list(_unfolded(screen, board, resources, folded, now))
        if len(lines) <= height:
            return lines
    more = Text(f"  {screen.ellipsis} {len(lines) - height + 1} more lines")
    return [*lines[: height - 1], more]


def shortened(text: str) -> str:
    """The text with long ids cut to their first eight characters, enough to name a resource.

    >>> shortened("port:8984a172-07cf-4d6c-8fae-6448960ec238 v1")
    'port:8984a172 v1'
    """
    return _UUID.sub(lambda found: found[1] or found[2], text)


def _unfolded(
    screen: Screen,
    board: Board,
    resources: Sequence[ResourceProgress],
    folded: Iterable[Phase],
    now: float,
) -> Iterable[Text]:
    for phase in folded:
        count = sum(progress.phase is phase for progress in resources)
        if count:
            yield Text.assemble(screen.symbol(phase), f" {count} {phase.value}")
    for progress in resources:
        if progress.phase not in folded:
            jobs = progress.phase in SHOWN_WITH_JOBS
            yield from resource_lines(screen, board, progress, now=now, jobs=jobs, brief=True)


def _time(progress: ResourceProgress, now: float) -> str:
    if not progress.posted_at:
        return ""
    if progress.ended:
        return seconds(progress.total_seconds)
    return seconds(max(0.0, now - progress.posted_at))


def _job_line(screen: Screen, job: JobProgress, width: int, now: float) -> Text:
    line = Text.assemble("  ", screen.symbol(job.phase), f" {job.name:<{width}}  {job.phase.value}")
    took = seconds(job.seconds) if job.seconds else ""
    if job.phase in (Phase.RUNNING, Phase.REVERTING) and job.started_at:
        took = seconds(max(0.0, now - job.started_at))
    return _with_notes(line, [took, one_line(job.error)])


def _with_notes(line: Text, notes: Iterable[str]) -> Text:
    for note in notes:
        if note:
            line.append(f"  {note}")
    return line


def _cut(screen: Screen, line: Text) -> Text:
    """The line, cut to the width of the screen."""
    width = screen.console.width
    if line.cell_len > width:
        line.truncate(width - len(screen.ellipsis))
        line.append(screen.ellipsis)
    return line
