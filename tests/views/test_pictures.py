"""What every picture has to keep: names that carry no syntax, order, room, speed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from esi_flows.model.jobs import ResourceRef
from esi_flows.views import page, svg, texts
from esi_flows.views.layout import lay_out
from esi_flows.views.model import Graph
from tests.views.building import edge, graph, group, small

HOSTILE = (
    "</text><script>alert(1)</script>",
    '"]; click g0 "javascript:alert(1)"',
    "a\nend\x1b[31m%%{init: {}}%%",
    '" onload="alert(1)',
    "]]><svg/onload=alert(1)>",
)


def _hostile() -> Graph:
    made = [
        replace(g, id=f"{text}:{n}", resource=ResourceRef(text, text), note=text, error=text)
        for n, text in enumerate(HOSTILE)
        for g in [group("port")]
    ]
    made = [
        replace(g, jobs=tuple(replace(j, id=f"{g.id}{j.id}", error=g.note) for j in g.jobs))
        for g in made
    ]
    return graph(*made, edges=(edge(made[0], made[1]),), name=HOSTILE[0])


def test_names_put_no_element_into_a_drawing() -> None:
    root = ElementTree.fromstring(svg.svg(_hostile()))
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds <= {"svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text", "g"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not any(name.startswith("on") or name.endswith("href") for name in attributes)


def test_names_put_no_script_into_a_page() -> None:
    assert page.html(_hostile()).count("<script") == 1


@pytest.mark.parametrize("draw", [texts.mermaid, texts.dot, texts.tree])
def test_names_put_no_line_into_a_text(draw: texts.Drawer) -> None:
    hostile = _hostile()
    tame = graph(*(group("port", str(n)) for n in range(5)))
    tame = replace(tame, edges=(edge(*list(tame.groups())[:2]),))
    drawn = draw(hostile)
    assert "\x1b" not in drawn
    if draw is texts.mermaid:
        assert len(drawn.splitlines()) == len(draw(tame).splitlines())
        labels = [line for line in drawn.splitlines() if ":::" in line]
        assert all(re.fullmatch(r'    g\d\["[^"%<{]*(<br/>[^"%<{]*)*"\]:::\w+', x) for x in labels)
    if draw is texts.dot:
        assert 'click g0 "javascript' not in drawn.replace('\\"', "'")


@pytest.mark.parametrize(
    "draw", [svg.svg, page.html, texts.mermaid, texts.dot, texts.tree, texts.document]
)
def test_the_same_graph_gives_the_same_bytes(draw: texts.Drawer) -> None:
    assert draw(small()) == draw(small())


def test_json_has_a_format_and_everything_in_order() -> None:
    found = json.loads(texts.document(small()))
    assert found["format"] == texts.FORMAT
    assert [g["id"] for g in found["steps"][0]["groups"]][:2] == ["network:1:1", "subnet:1:1"]


def test_a_tree_says_why_a_group_waits() -> None:
    assert "◂ subnet:1:1: reads output id" in texts.tree(small())


def test_no_box_lies_on_another() -> None:
    many = [group("port", str(n)) for n in range(60)]
    edges = tuple(edge(many[n // 3], many[n]) for n in range(1, 60))
    made = graph(*many, edges=edges)
    boxes = list(lay_out(made, [(e.source, e.target) for e in edges]).groups.values())
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            above = one.y + one.height <= other.y or other.y + other.height <= one.y
            assert apart or above


def test_a_graph_without_groups_is_drawn_all_the_same() -> None:
    assert ElementTree.fromstring(svg.svg(graph())).tag.endswith("svg")
