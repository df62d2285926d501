"""The graph as text for other programs and for people: Mermaid, DOT, JSON, a tree of lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from esi_flows.views.analysis import reduced
from esi_flows.views.model import Edge, Graph, Group, Job
from esi_flows.views.words import cut, look, short, title

FORMAT = 1
"""Of the JSON; grows when a member changes its meaning or goes."""

Drawer = Callable[[Graph], str]
"""What makes a picture of a graph."""

_COLOURS = {
    "green": "#1a7f37",
    "amber": "#9a6700",
    "red": "#cf222e",
    "blue": "#0969da",
    "violet": "#8250df",
    "grey": "#6e7781",
}


def mermaid(graph: Graph) -> str:
    """A Mermaid flow chart, as GitHub and GitLab draw it. Names can carry no syntax into it."""
    return "".join(f"{line}\n" for line in _mermaid(graph))


def dot(graph: Graph) -> str:
    """A graph for Graphviz."""
    return "".join(f"{line}\n" for line in _dot(graph))


def document(graph: Graph) -> str:
    """The graph as JSON, in the order in which it is shown."""
    found: dict[str, Any] = {"format": FORMAT, **asdict(graph)}
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def tree(graph: Graph) -> str:
    """The graph as lines for a terminal: each group with its jobs and what it waits for."""
    return "".join(f"{line}\n" for line in _tree(graph))


def _mermaid(graph: Graph) -> Iterator[str]:
    numbers = {group.id: f"g{number}" for number, group in enumerate(graph.groups())}
    yield "flowchart LR"
    for place, step in enumerate(graph.steps):
        if step.name:
            yield f'  subgraph s{place}["{_entities(step.name)}"]'
        for group in step.groups:
            lines = "<br/>".join(_entities(line) for line in _label(group))
            yield f'    {numbers[group.id]}["{lines}"]:::{look(group).colour}'
        if step.name:
            yield "  end"
    for edge in reduced(graph):
        told = _entities(cut(edge.text, 60))
        yield f'  {numbers[edge.source]} -->|"{told}"| {numbers[edge.target]}'
    for before, after in zip(range(len(graph.steps)), range(1, len(graph.steps)), strict=False):
        if graph.steps[before].name and graph.steps[after].name:
            yield f"  s{before} ==> s{after}"
    for colour in sorted({look(group).colour for group in graph.groups()}):
        yield f"  classDef {colour} stroke:{_COLOURS[colour]},stroke-width:2px"


def _entities(text: str) -> str:
    """Everything but plain words as entities, which Mermaid does not take for syntax."""
    return "".join(
        c if c.isalnum() or c in " .,_/()+~-" else f"#{ord(c)};" for c in cut(short(text), 200)
    )


def _dot(graph: Graph) -> Iterator[str]:
    yield "digraph flows {"
    yield "  rankdir=LR; node [shape=box, style=rounded];"
    for place, step in enumerate(graph.steps):
        yield f"  subgraph cluster_{place} {{ label={_quoted(step.name)};"
        for group in step.groups:
            label = "\\n".join(_escaped(line) for line in _label(group))
            colour = _COLOURS[look(group).colour]
            yield f'    {_quoted(group.id)} [label="{label}", color="{colour}"];'
        yield "  }"
    for edge in reduced(graph):
        ends = f"{_quoted(edge.source)} -> {_quoted(edge.target)}"
        yield f"  {ends} [tooltip={_quoted(edge.text)}];"
    yield "}"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return cut(text, 400).replace("\\", "\\\\").replace('"', '\\"')


def _label(group: Group) -> Iterator[str]:
    yield f"{look(group).sign} {title(group)}"
    for number, job in enumerate(group.jobs, 1):
        sign = f"{look(job).sign} " if job.phase is not None or job.mark else ""
        yield f"{number}. {sign}{job.name}"


def _tree(graph: Graph) -> Iterator[str]:
    before: dict[str, list[Edge]] = {}
    for edge in reduced(graph):
        before.setdefault(edge.target, []).append(edge)
    for step in graph.steps:
        if step.name:
            yield f"Step {cut(step.name, 200)}"
        for group in step.groups:
            yield f"{look(group).sign} {cut(title(group), 200)}  {look(group).word}"
            lines = [_job_line(job) for job in group.jobs]
            lines += [
                f"◂ {cut(short(e.source), 80)}: {cut(short(e.text), 160)}"
                for e in before.get(group.id, ())
            ]
            for number, line in enumerate(lines, 1):
                yield f"  {'└' if number == len(lines) else '├'}─ {line}"


def _job_line(job: Job) -> str:
    seen = look(job)
    error = f": {cut(job.error, 200)}" if job.error else ""
    return f"{seen.sign} {job.name}  {seen.word}{error}"
