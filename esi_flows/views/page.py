"""The picture in one HTML file: to zoom and search where there is script, to look at without."""

from __future__ import annotations

from html import escape

from esi_flows.views.model import Graph
from esi_flows.views.svg import svg
from esi_flows.views.texts import tree

_STYLE = """
:root{color-scheme:light dark}body{margin:0;font:14px system-ui,sans-serif}
header{position:sticky;top:0;padding:8px 16px;background:Canvas;border-bottom:1px solid GrayText}
h1{font-size:18px;margin:0 0 6px}main{overflow:auto}details{padding:8px 16px}
.faded{opacity:.2}#tools{display:none}
"""
_SCRIPT = """
const picture=document.querySelector('svg'),width=picture.width.baseVal.value;
document.getElementById('tools').style.display='block';
let zoom=1;
function scale(by){zoom=Math.min(4,Math.max(.1,zoom*by));picture.style.width=width*zoom+'px';
picture.style.height='auto'}
document.getElementById('in').onclick=()=>scale(1.25);
document.getElementById('out').onclick=()=>scale(.8);
document.getElementById('find').oninput=event=>{const wanted=event.target.value.toLowerCase();
for(const group of document.querySelectorAll('.group'))
group.classList.toggle('faded',!group.textContent.toLowerCase().includes(wanted))};
const told=document.getElementById('told');
for(const group of document.querySelectorAll('.group'))
group.onclick=()=>{told.textContent=[...group.querySelectorAll('title')]
.map(title=>title.textContent).join('\\n\\n')};
"""


def html(graph: Graph) -> str:
    """The graph as a page that needs nothing else. Raises InvalidInput for a circle."""
    name = escape(graph.name)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{name} ({graph.mode.value})</h1>"
        '<div id="tools"><button id="in">Larger</button> <button id="out">Smaller</button> '
        '<label>Find <input id="find" type="search"></label></div>'
        '<pre id="told" aria-live="polite"></pre></header>'
        f'<main tabindex="0">{svg(graph)}</main>'
        f"<details><summary>As text</summary><pre>{escape(tree(graph))}</pre></details>"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )
