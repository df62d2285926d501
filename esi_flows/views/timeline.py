"""Where the time went: a bar for each group, waiting, outside and our own time told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape

from esi_flows.views.analysis import critical_path
from esi_flows.views.model import Graph, Group
from esi_flows.views.svg import STYLE
from esi_flows.views.words import cut, look, title

LABEL = 290
BARS = 640
ROW = 24
_CELLS = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """One group: seconds from the beginning of all to its posting, and what came of them then."""

    group: str
    name: str
    sign: str
    word: str
    colour: str
    begins: float
    waiting: float
    outside: float
    own: float
    critical: bool

    @property
    def ends(self) -> float:
        """Seconds from the beginning of all to its end."""
        return self.begins + self.waiting + self.outside + self.own


def bars(graph: Graph) -> tuple[Bar, ...]:
    """The bars of all groups whose times are known, in the order in which they were posted.

    ``outside`` is waiting for Heat and the like; ``own`` what is left from start to end.
    """
    timed = [group for group in graph.groups() if group.times.posted_at]
    first = min((group.times.posted_at for group in timed), default=0.0)
    critical = set(critical_path(graph))
    return tuple(_bar(group, graph.at, first, critical) for group in timed)


def text(graph: Graph) -> str:
    """Bars for a terminal."""
    return "".join(f"{line}\n" for line in _lines(bars(graph)))


def document(graph: Graph) -> str:
    """The bars as JSON."""
    told = [asdict(bar) for bar in bars(graph)]
    return json.dumps({"format": 1, "name": graph.name, "bars": told}, indent=2) + "\n"


def svg(graph: Graph) -> str:
    """Bars as an SVG document."""
    return "".join(f"{line}\n" for line in _drawn(graph.name, bars(graph)))


def html(graph: Graph) -> str:
    """Bars as a page that needs nothing else."""
    name = escape(cut(graph.name, 200))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        "<style>:root{color-scheme:light dark}</style></head><body>"
        f"<h1>{name}</h1>{svg(graph)}<details><summary>As text</summary>"
        f"<pre>{escape(text(graph))}</pre></details></body></html>\n"
    )


def _bar(group: Group, now: float, first: float, critical: set[str]) -> Bar:
    seen, times = look(group), group.times
    running = times.running(now)
    outside = min(times.outside_seconds, running)
    return Bar(
        group.id,
        title(group),
        seen.sign,
        seen.word,
        seen.colour,
        times.posted_at - first,
        times.waiting(now),
        outside,
        running - outside,
        group.id in critical,
    )


def _lines(told: tuple[Bar, ...]) -> Iterator[str]:
    whole = max((bar.ends for bar in told), default=0.0) or 1.0
    width = max((len(bar.name) for bar in told), default=0)
    for bar in told:
        cells, place, sum_ = "", 0, 0.0
        parts = (bar.begins, bar.waiting, bar.outside, bar.own)
        for char, seconds in zip(" ░█▓", parts, strict=True):
            sum_ += seconds
            until = round(sum_ / whole * _CELLS)
            cells, place = cells + char * (until - place), until
        mark = "*" if bar.critical else " "
        times = f"{bar.waiting:8.2f}s {bar.outside:8.2f}s {bar.own:8.2f}s"
        yield f"{mark}{bar.sign} {cut(bar.name, 60):<{width}} |{cells:<{_CELLS}}| {times}"
    yield f"{'':{width + 4}}░ waiting, █ outside (Heat), ▓ our own; {whole:.2f}s in all"
    yield f"{'':{width + 4}}* what decided how long it took"


def _drawn(name: str, told: tuple[Bar, ...]) -> Iterator[str]:
    whole = max((bar.ends for bar in told), default=0.0) or 1.0
    width, height = LABEL + BARS + 110, ROW * (len(told) + 3)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="esi" role="img" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" aria-labelledby="esi-time">'
    )
    yield f'<title id="esi-time">{escape(cut(name, 200))}: {whole:.2f} seconds</title>'
    yield f"<style>{STYLE}.wait{{fill:var(--line);opacity:.35}}.outside{{fill:var(--blue)}}"
    yield ".own{fill:var(--amber)}.row.critical{stroke:var(--ink);stroke-width:1.5}</style>"
    for number, bar in enumerate(told):
        y, x = ROW * (number + 0.5), LABEL + bar.begins / whole * BARS
        said = f"waiting {bar.waiting:.2f}s, outside {bar.outside:.2f}s, own {bar.own:.2f}s"
        yield f'<g class="row{" critical" if bar.critical else ""}">'
        yield f"<title>{escape(cut(bar.group, 200))} {bar.word}: {said}</title>"
        for kind, seconds in (("wait", bar.waiting), ("outside", bar.outside), ("own", bar.own)):
            long = seconds / whole * BARS
            yield f'<rect class="{kind}" x="{x:.1f}" y="{y:.0f}" width="{long:.1f}" height="14"/>'
            x += long
        yield "</g>"
        yield f'<text class="{bar.colour}" x="8" y="{y + 12:.0f}">{bar.sign}</text>'
        yield f'<text x="26" y="{y + 12:.0f}">{escape(cut(bar.name, 38))}</text>'
        yield f'<text class="dim" x="{x + 6:.0f}" y="{y + 12:.0f}">{bar.ends:.2f}s</text>'
    y = ROW * (len(told) + 1)
    for place, (kind, words) in enumerate(
        (("wait", "waiting"), ("outside", "outside (Heat)"), ("own", "our own"))
    ):
        x = LABEL + place * 130
        yield f'<rect class="{kind}" x="{x}" y="{y}" width="14" height="14"/>'
        yield f'<text class="dim" x="{x + 20}" y="{y + 12}">{words}</text>'
    yield f'<text class="dim" x="{LABEL + 400}" y="{y + 12}">framed: decided how long</text>'
    yield "</svg>"
