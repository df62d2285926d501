"""Who used the processor meanwhile: we ourselves, our servers, and everybody else."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

QUIET_CORES = 0.2
"""What others may take of the processors for a moment to count as quiet."""

_LOOK_SECONDS = 0.3
_LONGEST_WAIT_SECONDS = 3.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """Over some time: ``wall`` seconds of the clock, ``ours`` seconds of the processor."""

    wall: float
    ours: float
    others: float

    @property
    def others_cores(self) -> float:
        """How many cores other programs took, on average."""
        return round(max(self.others, 0.0) / self.wall, 2) if self.wall else 0.0


class Meter:
    """Counts from its making until :meth:`read`: this process and all below it, and the others."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._all = machine_seconds()
        self._ours = tree_seconds(os.getpid())

    def read(self) -> Used:
        """What was used so far."""
        wall = time.monotonic() - self._began
        ours = tree_seconds(os.getpid()) - self._ours
        return Used(wall, ours, machine_seconds() - self._all - ours)


class Patience:
    """Waits for moments in which other programs leave the processor alone, but not for ever."""

    def __init__(self, seconds: float) -> None:
        """``seconds``: to be spent on waiting, all in all."""
        self._left = seconds

    def wait_quiet(self) -> None:
        """Return when others are quiet, or when that does not come."""
        ends_at = time.monotonic() + _LONGEST_WAIT_SECONDS
        while self._left > 0 and time.monotonic() < ends_at:
            meter = Meter()
            time.sleep(_LOOK_SECONDS)
            self._left -= _LOOK_SECONDS
            if meter.read().others_cores < QUIET_CORES:
                return


def machine_seconds() -> float:
    """Processor time that the whole machine has used since it was started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / _TICK


def tree_seconds(root: int) -> float:
    """Processor time of a process and all below it, those that have ended included."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            parents[int(entry.name)] = int(fields[1])
            used[int(entry.name)] = sum(map(int, fields[11:15])) / _TICK
    return sum(seconds for pid, seconds in used.items() if _is_below(pid, root, parents))


def _is_below(pid: int, root: int, parents: Mapping[int, int]) -> bool:
    while pid and pid != root:
        pid = parents.get(pid, 0)
    return pid == root
