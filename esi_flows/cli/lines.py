"""Progress as one line per event, for pipes, logs and people without a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.text import Text

from esi_flows.cli.screen import Screen, seconds
from esi_flows.deployments.board import Board
from esi_flows.deployments.progress import JobProgress, Phase, ResourceProgress
from esi_flows.model.jobs import ResourceRef, group_of

_QUIET = (Phase.WAITING, Phase.NOT_RUN)


class LineLog:
    """Prints what is new since it was last shown the same resource."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._phases: dict[tuple[ResourceRef, str], Phase | str] = {}

    def show(self, board: Board, moved: Sequence[ResourceProgress]) -> None:
        """Print the events in ``moved``."""
        for progress in moved:
            waits = waiting_text(board, progress)
            if waits and self._is_new(progress, "waits", waits):
                self._print(Phase.WAITING, f"{progress.resource} {waits}")
            for job in progress.jobs:
                if self._is_new(progress, job.id, job.phase) and job.phase not in _QUIET:
                    self._print(job.phase, f"{progress.resource} {job_text(job)}")
            if progress.ended and self._is_new(progress, "", progress.phase):
                self._print(progress.phase, f"{progress.resource} {ending_text(progress)}")

    def _is_new(self, progress: ResourceProgress, what: str, phase: Phase | str) -> bool:
        name = (progress.resource, what)
        if self._phases.get(name) == phase:
            return False
        self._phases[name] = phase
        return True

    def _print(self, phase: Phase, text: str) -> None:
        line = Text(time.strftime("%H:%M:%S "))
        line.append_text(self._screen.symbol(phase)).append(f" {text}")
        self._screen.line(line)


def waiting_text(board: Board, progress: ResourceProgress) -> str:
    """``waits for port:7abe (create:heat_worker)``, or nothing."""
    if progress.ended or progress.phase is not Phase.WAITING:
        return ""
    names: dict[str, list[str]] = {}
    for job_id in board.waiting_on(progress):
        action, handler, _ = job_id.split(":", 2)
        owner = group_of(job_id).rpartition(":")[0]
        names.setdefault(owner, []).append(f"{action}:{handler}")
    if not names:
        return ""
    return "waits for " + ", ".join(f"{o} ({', '.join(jobs)})" for o, jobs in names.items())


def job_text(job: JobProgress) -> str:
    """A job in words: name, phase, time, error."""
    took = f" in {seconds(job.seconds)}" if job.seconds else ""
    error = f": {one_line(job.error)}" if job.error else ""
    return f"{job.name} {job.phase.value}{took}{error}"


def ending_text(progress: ResourceProgress) -> str:
    """The end of a resource's group in words: version, result, times, error."""
    text = f"v{progress.followed.version} {progress.worker_state or progress.phase.value}"
    if progress.started_at and progress.ended_at:
        text += (
            f" in {seconds(progress.total_seconds)} (waited {seconds(progress.waited_seconds)}, "
            f"Heat {seconds(progress.outside_seconds)}, own {seconds(progress.own_seconds)})"
        )
    return f"{text}: {one_line(progress.error)}" if progress.error else text


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())
