"""What the command lines of all benchmarks have in common: options, processes, tables, JSON."""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

SIZES = (100, 1000, 10000)


def make_parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """A parser with the options of every benchmark."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    return parser


def make_network_parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """For benchmarks that go over networks of several sizes."""
    parser = make_parser(program, description)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--flows", type=Path, default=Path("flows"), metavar="DIR")
    parser.add_argument("--deployment", default="internet_gateway", metavar="NAME")
    return parser


def each_in_a_fresh_process(
    measure_one: Callable[[int, Path, str], T], given: argparse.Namespace
) -> list[T]:
    """Measure each size in a process of its own, so that none inherits memory of another."""
    fresh = multiprocessing.get_context("spawn")
    measured = []
    for size in given.sizes:
        with ProcessPoolExecutor(1, mp_context=fresh) as process:
            asked = process.submit(measure_one, size, given.flows, given.deployment)
            measured.append(asked.result())
    return measured


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 0) -> str:
    """A Markdown table; all columns but the first ``texts`` are numbers."""
    lines = [
        f"| {' | '.join(headings)} |",
        f"|{'---|' * texts}{'---:|' * (len(headings) - texts)}",
    ]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def write_json(document: Mapping[str, Any], target: Path | None) -> None:
    """Write what was measured, if that is wanted, and say where."""
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(document, indent=2) + "\n")
        print(f"written to {target}")
