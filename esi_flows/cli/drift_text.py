"""What a look for drift found, to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from rich.text import Text

from esi_flows.drift.types import Difference, Kind, Looked, Report
from esi_flows.planning.types import ParameterChange


def report_lines(report: Report, again: Callable[..., str]) -> Iterator[Text]:
    """Stack by stack, totals last, then what to type next."""
    for looked in report.drifted:
        yield from looked_lines(looked)
    for resource in report.busy:
        yield Text(f"  {resource}: under way, not compared", style="dim")
    yield Text(total_line(report), style="bold")
    mendable = [each for each in report.drifted if each.differences[0].kind is not Kind.UNKNOWN]
    if mendable:
        yield Text(f"next: {again('repair', mendable[0].resource)}")


def looked_lines(looked: Looked) -> Iterator[Text]:
    """One stack, with all its differences."""
    yield Text.assemble(("! ", "bold red"), (str(looked.resource), "bold"), f"  {looked.stack}")
    for difference in looked.differences:
        yield from _difference(difference)
    if looked.hidden:
        yield Text(f"    hidden, not compared: {', '.join(looked.hidden)}", style="dim")


def total_line(report: Report) -> str:
    """``Drift: 2 of 12 stacks differ``."""
    count = len(report.looked)
    noun = "stack" if count == 1 else "stacks"
    differ = "differs" if len(report.drifted) == 1 else "differ"
    if not report.drifted:
        return f"No drift: {count} {noun} looked at"
    return f"Drift: {len(report.drifted)} of {count} {noun} {differ}"


_SAYS = {
    Kind.MISSING: "Heat has no stack of that name",
    Kind.UNKNOWN: "named as one of ours, and nothing is recorded of it",
    Kind.PARAMETERS: "recorded -> Heat",
    Kind.OUTPUTS: "recorded -> Heat",
    Kind.TEMPLATE: "- recorded, + Heat",
}


def _difference(difference: Difference) -> Iterator[Text]:
    words = [_SAYS.get(difference.kind, ""), " ".join(difference.text.split())]
    yield Text(f"    {difference.kind.value}: {'; '.join(word for word in words if word)}")
    for change in difference.values:
        yield Text(f"      {_change(change)}", style="yellow")
    for line in difference.lines[2:]:
        style = {"+": "green", "-": "red"}.get(line[:1], "dim")
        yield Text(f"      {line}", style=style)


def _change(change: ParameterChange) -> str:
    old = "(not set)" if change.added else _value(change.old)
    new = "(not set)" if change.removed else _value(change.new)
    return f"{change.name}: {old} -> {new}"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
