"""The table at the end of a run: what came of each resource, and where the time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from esi_flows.cli.screen import Screen, seconds
from esi_flows.deployments.progress import Phase, ResourceProgress, totals

_HEADS = ("Resource", "v", "Result", "Jobs", "Waiting", "Heat", "Own", "Total")
_LEFT = ("Resource", "Result")
_GAP = "  "
_SHORTEST = 20


def result_table(screen: Screen, resources: Sequence[ResourceProgress]) -> Iterator[Text]:
    """One line per resource and version, in the order in which they were applied.

    On a screen that is too narrow the names are cut: the beginning of an id is enough to name it.
    """
    rows = [_HEADS, *(_cells(progress) for progress in resources)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    others = sum(widths[1:]) + len(_GAP) * len(widths)
    if screen.console.is_terminal:
        widths[0] = min(widths[0], max(_SHORTEST, screen.console.width - others))
    yield Text(_GAP + _line(screen, _HEADS, widths), style="bold")
    for progress, row in zip(resources, rows[1:], strict=True):
        yield Text.assemble(screen.symbol(progress.phase), " ", _line(screen, row, widths))


def _line(screen: Screen, row: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for head, cell, width in zip(_HEADS, row, widths, strict=True):
        if len(cell) > width:
            cell = cell[: width - len(screen.ellipsis)] + screen.ellipsis
        cells.append(cell.ljust(width) if head in _LEFT else cell.rjust(width))
    return _GAP.join(cells).rstrip()


def _cells(progress: ResourceProgress) -> tuple[str, ...]:
    times = ("-", "-", "-", "-")
    if progress.ended_at:
        outside, own = progress.outside_seconds, progress.own_seconds
        times = (
            seconds(progress.waited_seconds),
            seconds(outside) if outside else "-",
            seconds(own) if progress.started_at else "-",
            seconds(progress.total_seconds),
        )
    return (
        str(progress.resource),
        str(progress.followed.version),
        progress.phase.value,
        str(len(progress.jobs)) if progress.jobs else "-",
        *times,
    )


def summary(resources: Sequence[ResourceProgress], followed: Sequence[ResourceProgress]) -> str:
    """``12 resources: 11 done, 1 failed; 41s from first to last``; the time is of ``followed``."""
    last = {progress.resource: progress for progress in resources}
    counts = totals(last.values())
    parts = [f"{counts[phase]} {phase.value}" for phase in Phase if phase in counts]
    posted = [p.posted_at for p in followed if p.posted_at]
    ended = [p.ended_at for p in followed if p.ended_at]
    took = f"; {seconds(max(ended) - min(posted))} from first to last" if posted and ended else ""
    return f"{len(last)} resources: {', '.join(parts)}{took}"
