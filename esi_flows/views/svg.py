"""The picture: steps as frames, groups as boxes with their jobs, curves between them.

It stands alone: no script, nothing from elsewhere, both colour schemes, words for who cannot see.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from esi_flows.views.analysis import critical_path, reduced
from esi_flows.views.layout import HEAD, MARGIN, ROW, Box, Layout, lay_out
from esi_flows.views.model import Edge, Graph, Group, Mark, Mode
from esi_flows.views.words import Look, cut, look, short, title

STYLE = """
.esi{--bg:#fff;--ink:#1c2430;--dim:#5c6675;--box:#f7f8fa;--line:#8792a2;--green:#1a7f37;--amber:#9a6700;
--red:#cf222e;--blue:#0969da;--violet:#8250df;--grey:#6e7781;
font:13px system-ui,sans-serif;background:var(--bg)}
@media(prefers-color-scheme:dark){.esi{--bg:#0d1117;--ink:#e6edf3;--dim:#9aa4b2;--box:#161b22;--line:#6b7686;
--green:#3fb950;--amber:#d29922;--red:#f85149;--blue:#58a6ff;--violet:#bc8cff;--grey:#8b949e}}
.esi text{fill:var(--ink)}.esi .dim{fill:var(--dim);font-size:12px}.esi .head{font-weight:600}
.esi .frame{fill:none;stroke:var(--line);stroke-dasharray:2 4}
.esi .box{fill:var(--box);stroke-width:1.6}.esi .plan .box{stroke-dasharray:6 3}
.esi .path{fill:none;stroke:var(--line);stroke-width:1.4}.esi .critical{stroke-width:3}
.esi .green{stroke:var(--green)}.esi .amber{stroke:var(--amber)}.esi .red{stroke:var(--red)}
.esi .blue{stroke:var(--blue)}.esi .violet{stroke:var(--violet)}.esi .grey{stroke:var(--grey)}
.esi text.green{fill:var(--green);stroke:none}.esi text.amber{fill:var(--amber);stroke:none}
.esi text.red{fill:var(--red);stroke:none}.esi text.blue{fill:var(--blue);stroke:none}
.esi text.violet{fill:var(--violet);stroke:none}.esi text.grey{fill:var(--grey);stroke:none}
""".replace("\n", "")


def svg(graph: Graph) -> str:
    """The graph as an SVG document. Raises InvalidInput where groups wait in a circle."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    edges = reduced(graph)
    layout = lay_out(graph, [(edge.source, edge.target) for edge in edges])
    looks = _looks(graph)
    width = max(layout.width, 640)
    height = layout.height + 3 * MARGIN
    groups = sum(1 for _ in graph.groups())
    told = f"{groups} groups with {sum(1 for _ in graph.jobs())} jobs, {graph.mode.value}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="esi" role="img" '
        f'aria-labelledby="esi-title esi-desc" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">'
    )
    yield f'<title id="esi-title">{_text(graph.name, 200)}</title>'
    yield f'<desc id="esi-desc">{told}. Time goes from left to right.</desc>'
    yield f"<style>{STYLE}</style>"
    yield (
        '<defs><marker id="esi-to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
        'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#8792a2"/></marker></defs>'
    )
    for step, box in zip(graph.steps, layout.steps, strict=True):
        if step.name:
            yield _rect(box, "frame", 8)
            name = f"step {step.name}" if not step.blocked else f"{step.name}: {step.blocked}"
            yield _line(box.x + 12, box.y + 20, name, "head", 90)
    critical = set(critical_path(graph))
    for edge in edges:
        yield _edge(edge, layout, critical)
    yield f'<g class="{graph.mode.value}">'
    for group in graph.groups():
        yield from _group(group, layout.groups[group.id], is_critical=group.id in critical)
    yield "</g>"
    yield from _legend(looks, layout.height + MARGIN, planned=graph.mode is Mode.PLAN)
    yield "</svg>"


def _group(group: Group, box: Box, *, is_critical: bool) -> Iterator[str]:
    seen = look(group)
    told = [group.id, seen.word, group.note, group.error, group.hint]
    yield f'<g id="{_text(group.id, 1000)}" class="group" data-group="{_text(group.id, 1000)}">'
    yield f"<title>{_text(chr(10).join(text for text in told if text), 600, lines=True)}</title>"
    shape = "box critical" if is_critical else "box"
    yield _rect(box, f"{shape} {seen.colour}", 7)
    yield _line(box.x + 10, box.y + 19, seen.sign, seen.colour, 2)
    yield _line(box.x + 26, box.y + 19, title(group), "head", 29)
    if not group.jobs:
        yield _line(box.x + 26, box.y + HEAD + 13, group.note or "no jobs", "dim", 33)
    for number, job in enumerate(group.jobs):
        y = box.y + HEAD + 13 + number * ROW
        how = look(job)
        said = "\n".join(t for t in (job.name, how.word, job.error, *job.reverts) if t)
        yield f'<g class="job" data-job="{_text(job.id, 1000)}">'
        yield f"<title>{_text(said, 600, lines=True)}</title>"
        yield _line(box.x + 10, y, how.sign, how.colour, 2)
        yield _line(box.x + 26, y, f"{number + 1}. {job.name}", "dim", 33)
        yield "</g>"
    yield "</g>"


def _edge(edge: Edge, layout: Layout, critical: set[str]) -> str:
    source, target = layout.groups[edge.source], layout.groups[edge.target]
    x, y = source.x + source.width, source.y + source.height / 2
    points = [*layout.ways.get((edge.source, edge.target), ())]
    end = (target.x - 2, target.y + target.height / 2)
    path = [f"M{x:.0f} {y:.0f}"]
    for number, (to_x, to_y) in enumerate([*points, end]):
        if number % 2:
            path.append(f"L{to_x:.0f} {to_y:.0f}")
        elif to_x < x:  # to another step: below, and back
            path.append(f"C{x + 60:.0f} {y:.0f} {to_x - 60:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}")
        else:
            middle = (x + to_x) / 2
            path.append(f"C{middle:.0f} {y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}")
        x, y = to_x, to_y
    kind = "path critical" if {edge.source, edge.target} <= critical else "path"
    colour = {Mark.ADDED: " green", Mark.REMOVED: " red", Mark.CANCELLED: " red"}.get(edge.mark, "")
    said = f"{short(edge.target)} {edge.text} of {short(edge.source)}"
    return (
        f'<path class="{kind}{colour}" marker-end="url(#esi-to)" d="{"".join(path)}">'
        f"<title>{_text(said, 400)}</title></path>"
    )


def _looks(graph: Graph) -> list[Look]:
    found = {look(group): None for group in graph.groups()}
    return list(found | {look(job): None for _, job in graph.jobs()})


def _legend(looks: list[Look], y: float, *, planned: bool) -> Iterator[str]:
    x = float(2 * MARGIN)
    for seen in looks:
        yield _line(x, y, seen.sign, seen.colour, 2)
        yield _line(x + 16, y, seen.word, "dim", 30)
        x += 34 + 7 * len(seen.word)
    frames = "dashed: planned; " if planned else ""
    yield _line(2 * MARGIN, y + 22, f"{frames}thick: what decides how long it takes", "dim", 80)


def _rect(box: Box, kind: str, radius: int) -> str:
    return (
        f'<rect class="{kind}" x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" '
        f'height="{box.height:.0f}" rx="{radius}"/>'
    )


def _line(x: float, y: float, text: str, kind: str, width: int) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{_text(text, width)}</text>'


def _text(text: str, width: int, *, lines: bool = False) -> str:
    parts = text.splitlines() if lines else [text]
    return escape("\n".join(cut(part, width) for part in parts))
