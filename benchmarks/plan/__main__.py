"""``python -m benchmarks.plan``: a table for people, and JSON for programs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.plan.measure import Measured, measure

SIZES = (100, 1000, 10000)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--flows", type=Path, default=Path("flows"), metavar="DIR")
    parser.add_argument("--deployment", default="internet_gateway", metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    given = parser.parse_args()
    measured = measure(given.sizes, given.flows, given.deployment)
    machine = describe()
    print(table(measured))
    print(machine)
    if given.json is not None:
        document = {"machine": machine, "measured": [asdict(each) for each in measured]}
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(document, indent=2) + "\n")
        print(f"written to {given.json}")


def table(measured: Sequence[Measured]) -> str:
    """One line for each size, as Markdown."""
    lines = [
        "| intents | jobs | seconds | intents/s | peak MiB |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.intents:,} | {each.jobs:,} | {each.seconds:.3f} "
        f"| {each.intents_per_second:,.0f} | {each.peak_memory:.1f} |"
        for each in measured
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
