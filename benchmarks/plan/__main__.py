"""``python -m benchmarks.plan``: a table for people, and JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from benchmarks import runner
from benchmarks.machine import describe
from benchmarks.plan.measure import Measured, measure_one


def main() -> None:
    """Measure, print, write."""
    given = runner.make_network_parser("benchmarks.plan", __doc__).parse_args()
    measured = runner.each_in_a_fresh_process(measure_one, given)
    machine = describe()
    print(table(measured))
    print(machine)
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
            f"{each.peak_memory:.1f}",
        )
        for each in measured
    ]
    return runner.table(("intents", "jobs", "seconds", "intents/s", "peak MiB"), rows)


if __name__ == "__main__":
    main()
