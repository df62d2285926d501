"""What was measured, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One workload on one variant. ``error`` says why there are no figures."""

    workload: str
    variant: str
    figures: Mapping[str, float]
    error: str = ""


class Column(NamedTuple):
    """One figure of one workload. ``better`` is 1 where more is better, -1 where less is."""

    heading: str
    workload: str
    figure: str
    better: int


COLUMNS = (
    Column("W1 median, ms", "w1", "median_ms", -1),
    Column("p95, ms", "w1", "p95_ms", -1),
    Column("W2, steps/s", "w2", "steps_per_s", 1),
    Column("CPU ms/step", "w2", "cpu_ms_per_step", -1),
    Column("W2 x 5, steps/s", "w2-1500", "steps_per_s", 1),
    Column("W3a, s", "w3a", "seconds", -1),
    Column("W3b, s", "w3b", "seconds", -1),
    Column("100 jobs, jobs/s", "layers-100", "steps_per_s", 1),
    Column("5,000 jobs, CPU s", "layers-5000", "engine_cpu_s", -1),
    Column("W4 goes on, s", "w4", "goes_on_s", -1),
    Column("twice", "w4", "steps_twice", -1),
)


def comparison(measured: Sequence[Measured]) -> str:
    """A line for each variant, a column for each figure."""
    found = {(each.variant, each.workload): each for each in measured}
    rows = []
    for variant in dict.fromkeys(each.variant for each in measured):
        cells = [_cell(found.get((variant, column.workload)), column) for column in COLUMNS]
        if any(cells):
            others = [m.figures.get("others_cores", 0.0) for m in measured if m.variant == variant]
            rows.append((variant, *cells, f"{max(others):.2f}"))
    headings = ("engine", *(column.heading for column in COLUMNS), "others, cores")
    return runner.table(headings, rows, texts=1)


def ratios(measured: Sequence[Measured], ours: str) -> str:
    """How many times better ``ours`` is than each other variant; below 1 it is worse."""
    found = {(each.variant, each.workload): each.figures for each in measured}
    compared = [c for c in COLUMNS if c.figure in _figures(found, (ours, c.workload))]
    rows = []
    for variant in dict.fromkeys(each.variant for each in measured):
        cells = []
        for column in compared:
            theirs = found.get((variant, column.workload), {}).get(column.figure)
            own = found[ours, column.workload][column.figure]
            cells.append(_ratio(own, theirs, column.better))
        if variant != ours and any(cells):
            rows.append((f"than {variant}", *cells))
    return runner.table((f"{ours} is better", *(c.heading for c in compared)), rows, texts=1)


def listing(measured: Sequence[Measured], workloads: Sequence[str]) -> str:
    """All figures of workloads that stand for themselves."""
    return runner.table(("what", "engine", "figure"), _listed(measured, workloads), texts=2)


def missing(measured: Sequence[Measured]) -> Iterator[str]:
    """A sentence for each measurement that gave no figures."""
    for each in measured:
        if each.error:
            yield f"{each.workload}, {each.variant}: {each.error}"


def _listed(measured: Sequence[Measured], workloads: Sequence[str]) -> Iterator[Sequence[str]]:
    for each in measured:
        if each.workload in workloads:
            for name, value in each.figures.items():
                yield name.replace("_", " "), each.variant, _number(value)


def _cell(measured: Measured | None, column: Column) -> str:
    if measured is None:
        return ""
    if measured.error:
        return measured.error if measured.error.startswith(">") else "-"
    return _number(measured.figures[column.figure])


def _ratio(own: float, theirs: float | None, better: int) -> str:
    if not own or not theirs:
        return ""
    return f"{(own / theirs) ** better:.2f}"


def _figures(
    found: Mapping[tuple[str, str], Mapping[str, float]], key: tuple[str, str]
) -> Mapping[str, float]:
    return found.get(key, {})


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
