"""Runs workers of one variant on the servers of this run, and adds up what they used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.engine.load import QUIET_CORES, Meter, Patience
from benchmarks.engine.place import Place
from benchmarks.engine.process import Worker
from benchmarks.engine.shapes import Shape, count_steps
from benchmarks.engine.variants import Variant

LONG_SECONDS = 5.0
"""What takes longer is not repeated."""


class Bench:
    """The means of one measurement."""

    def __init__(
        self,
        place: Place,
        variant: Variant,
        *,
        limit: float,
        rounds: int,
        patience: Patience | None = None,
    ) -> None:
        """``limit``: seconds that one run may take; ``rounds``: how often it is repeated;
        ``patience``: to wait for others to be quiet (None: none).
        """
        self.place = place
        self.variant = variant
        self.limit = limit
        self.rounds = rounds
        self.patience = patience or Patience(0)

    def crew(self, count: int = 1, *, journal: Path | None = None) -> Crew:
        """So many processes of the variant, on one empty store."""
        return Crew(self, count, journal)

    def together(self, make: Callable[[str], Sequence[Shape]]) -> dict[str, float]:
        """Run flows side by side, shared out among the processes; the median of the quiet rounds.

        ``engine_cpu_s`` is of the processes that run flows, ``cpu_ms_per_step`` of the stores'
        servers as well. Raises Broken, TooSlow, NoPostgres.
        """
        found: list[dict[str, float]] = []
        with self.crew(self.variant.processes) as crew:
            self._round(crew, make("warm")[:10])
            while len(found) < self.rounds:
                found.append(self._round(crew, make(f"round{len(found)}")))
                if found[-1]["seconds"] > LONG_SECONDS:
                    break
        return typical(found)

    def _round(self, crew: Crew, shapes: Sequence[Shape]) -> dict[str, float]:
        self.patience.wait_quiet()
        meter = Meter()
        for number, worker in enumerate(crew):
            worker.ask("all", shapes[number :: len(crew)])
        answers = [worker.answer(self.limit) for worker in crew]
        used = meter.read()
        began = min(answer["began"] for answer in answers)
        seconds = max(answer["ended"] for answer in answers) - began
        steps = count_steps(shapes)
        return {
            "seconds": round(seconds, 4),
            "steps_per_s": round(steps / seconds, 1),
            "engine_cpu_s": round(sum(answer["cpu"] for answer in answers), 4),
            "cpu_ms_per_step": round(used.ours / steps * 1000, 3),
            "others_cores": used.others_cores,
        }


def typical(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of the rounds that others did not disturb; without such, the least disturbed."""
    quiet = [each for each in rounds if each["others_cores"] < QUIET_CORES]
    if not quiet:
        return min(rounds, key=lambda each: each["others_cores"])
    return sorted(quiet, key=lambda each: each["seconds"])[(len(quiet) - 1) // 2]


class Crew(list[Worker]):
    """Processes of one variant; they are ready inside of the ``with``, and end with it."""

    def __init__(self, bench: Bench, count: int, journal: Path | None) -> None:
        super().__init__()
        self._bench = bench
        self._count = count
        self._journal = journal

    def __enter__(self) -> Self:
        """Start them. Raises Broken, TooSlow, NoPostgres."""
        self._options = self._bench.place.options(self._bench.variant)
        try:
            for number in range(self._count):
                self.add(number)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def add(self, number: int) -> Worker:
        """Start one more on the same store; of the same number, it takes another's place."""
        variant = self._bench.variant
        options = {"executor": f"bench-{number}", "processes": variant.processes}
        log = self._bench.place.folder / f"{variant.name}.log"
        worker = Worker(variant.module, {**self._options, **options}, log, journal=self._journal)
        self.append(worker)
        worker.wait_ready()
        return worker

    def _close(self) -> None:
        for worker in self:
            worker.close()
