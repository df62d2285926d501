"""``python -m benchmarks.collector``: a table for people, and JSON for programs."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from benchmarks import runner
from benchmarks.collector.measure import Measured, measure_one
from benchmarks.machine import describe


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.collector", description=__doc__)
    parser.add_argument("--targets", type=int, default=10000, help="how many (10000)")
    parser.add_argument("--interval", type=float, default=60.0, help="seconds between polls (60)")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    given = parser.parse_args()
    measured = measure_one(given.targets, given.interval)
    machine = describe()
    print(table(measured))
    print(machine)
    runner.write_json({"machine": machine, "measured": asdict(measured)}, given.json)


def table(measured: Measured) -> str:
    """One line, as Markdown."""
    head = ("targets", "every, s", "first round, s", "core, %", "late median, s", "p99, s", "MiB")
    row = (
        f"{measured.targets:,}",
        f"{measured.interval_seconds:g}",
        f"{measured.first_round_seconds:.1f}",
        f"{measured.processor_percent:.1f}",
        f"{measured.lateness_median_seconds:.3f}",
        f"{measured.lateness_p99_seconds:.3f}",
        f"{measured.peak_memory:.1f}",
    )
    return runner.table(head, [row])


if __name__ == "__main__":
    main()
