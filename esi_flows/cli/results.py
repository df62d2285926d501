"""The table at the end of a run: what came of each resource, and where the time went."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from esi_flows.cli.screen import Screen, seconds
from esi_flows.deployments.progress import Phase, ResourceProgress, totals


def result_table(screen: Screen, resources: Sequence[ResourceProgress]) -> Table:
    """One row per resource, in the order in which they were applied."""
    table = Table(box=box.ASCII2 if screen.ascii else box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", width=1, no_wrap=True)
    table.add_column("Resource", ratio=1, overflow="fold" if screen.ascii else "ellipsis")
    table.columns[-1].no_wrap = not screen.ascii
    for name in ("v", "Result", "Jobs"):
        table.add_column(name, no_wrap=True, justify="left" if name == "Result" else "right")
    for name in ("Waiting", "Heat", "Own", "Total"):
        table.add_column(name, no_wrap=True, justify="right")
    for progress in resources:
        table.add_row(screen.symbol(progress.phase), *_cells(progress))
    return table


def _cells(progress: ResourceProgress) -> list[str | Text]:
    times = ["", "", "", ""]
    if progress.ended_at:
        times = [
            seconds(progress.waited_seconds),
            seconds(progress.outside_seconds) if progress.outside_seconds else "-",
            seconds(progress.own_seconds),
            seconds(max(0.0, progress.ended_at - progress.posted_at)),
        ]
    return [
        str(progress.resource),
        str(progress.followed.version),
        progress.worker_state or progress.phase.value,
        str(len(progress.jobs)) if progress.jobs else "-",
        *times,
    ]


def summary(resources: Sequence[ResourceProgress]) -> str:
    """``12 resources: 11 done, 1 failed; 41s from first to last``."""
    counts = totals(resources)
    parts = [f"{counts[phase]} {phase.value}" for phase in Phase if phase in counts]
    posted = [p.posted_at for p in resources if p.posted_at]
    ended = [p.ended_at for p in resources if p.ended_at]
    took = f"; {seconds(max(ended) - min(posted))} from first to last" if posted and ended else ""
    return f"{len(resources)} resources: {', '.join(parts)}{took}"
