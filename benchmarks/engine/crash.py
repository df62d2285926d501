"""``kill -9`` in the middle of a chain, and how long until somebody goes on with it."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.engine.bench import Bench
from benchmarks.engine.process import TooSlow
from benchmarks.engine.shapes import chain

_STEPS = 20
_SECONDS = 0.2
_KILLED_IN = 8
_LIMIT = 90.0
_LOOK_SECONDS = 0.005


class Begun(NamedTuple):
    """A step that a process has begun, on the clock of ``time.monotonic``."""

    step: str
    pid: int
    at: float


def crash(bench: Bench) -> Mapping[str, float]:
    """Kill the process that runs the chain in its ninth step.

    Where the variant has a standby, that one is there already; else a process is started at once,
    and its start counts. Raises Broken, TooSlow.
    """
    journal = bench.place.file("journal")
    with bench.crew(2 if bench.variant.standby else 1, journal=journal) as crew:
        crew[0].ask("all", [chain("crash", _STEPS, seconds=_SECONDS)])
        begun = _wait(journal, lambda seen: len(seen) > _KILLED_IN)
        time.sleep(_SECONDS / 2)  # in the middle of the step
        victim = begun[-1].pid
        killed_at = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        if not bench.variant.standby:
            crew.add(0).ask("resume", [])
        begun = _wait(journal, lambda seen: len({each.step for each in seen}) == _STEPS)
    times = Counter(each.step for each in begun)
    went_on = next(each.at for each in begun if each.pid != victim)
    return {
        "goes_on_s": round(went_on - killed_at, 2),
        "steps_twice": sum(times.values()) - len(times),
    }


def _wait(journal: Path, enough: Callable[[list[Begun]], bool]) -> list[Begun]:
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        begun = read(journal)
        if enough(begun):
            return begun
        time.sleep(_LOOK_SECONDS)
    raise TooSlow


def read(journal: Path) -> list[Begun]:
    """The steps that were begun so far."""
    if not journal.exists():
        return []
    lines = (line.split() for line in journal.read_text().splitlines())
    return [Begun(step, int(pid), float(at)) for step, pid, at in lines]
