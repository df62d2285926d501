"""``python -m benchmarks.compile``: a table for people, and JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from benchmarks import runner
from benchmarks.compile.measure import ADDED, ROUNDS, Measured, measure_one
from benchmarks.machine import describe

HEADINGS = (
    "intents",
    "jobs",
    "seconds",
    "intents/s",
    "one more, ms",
    "peak MiB",
    "of it for intents",
)


def main() -> None:
    """Measure, print, write."""
    given = runner.make_network_parser("benchmarks.compile", __doc__).parse_args()
    measured = runner.each_in_a_fresh_process(measure_one, given)
    machine = describe()
    print(table(measured))
    print(f"best of {ROUNDS}; added one by one: {ADDED}; {machine}")
    document = {"machine": machine, "measured": [asdict(each) for each in measured]}
    runner.write_json(document, given.json)


def table(measured: Sequence[Measured]) -> str:
    """One line for each size, as Markdown."""
    rows = [
        (
            f"{each.intents:,}",
            f"{each.jobs:,}",
            f"{each.seconds:.3f}",
            f"{each.intents_per_second:,.0f}",
            f"{each.add_one * 1000:.3f}",
            f"{each.peak_memory:.1f}",
            f"{each.memory_for_intents:.1f}",
        )
        for each in measured
    ]
    return runner.table(HEADINGS, rows)


if __name__ == "__main__":
    main()
