"""Which names a template's text reads, and whether it can do without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from esi_flows.compiler.rendering import read_template

_TESTS = ("defined", "undefined")
_DEFAULTS = ("d", "default")
_GLOBALS = ("range",)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a text reads from outside, each with the first line it stands on.

    ``optional`` are those that the text itself says may be missing.
    """

    lines: Mapping[str, int]
    optional: frozenset[str]


def names_read(template_id: str, text: str) -> Names:
    """The names that a text reads. Raises TemplateError where it is no template."""
    tree = read_template(template_id, text)
    outside = find_undeclared_variables(tree).difference(_GLOBALS)
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name in outside:
            lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    optional = {
        asked.node.name
        for asked in tree.find_all((nodes.Test, nodes.Filter))
        if isinstance(asked.node, nodes.Name)
        and asked.name in (_TESTS if isinstance(asked, nodes.Test) else _DEFAULTS)
    }
    return Names(lines, frozenset(optional))
