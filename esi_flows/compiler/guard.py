"""Templates are hostile input: what they may say, and what they must pay for saying it.

A template is allowed loops, choices, assignments and expressions, and nothing that could recur
(macros, blocks, includes, recursive loops). So the work it does is its loops' items times the size
of their bodies, plus what operations on whole values cost. Both are made to pay: :func:`guarded`
rewrites the template's syntax tree so that loops and such operations report to a budget.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.exceptions import TemplateAssertionError
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from esi_flows.compiler.budget import MAX_BUILT, Budget, CostsTooMuch, size_of

# no template can name these: a name in a template has no space
BUDGET = " budget"
_COUNTED, _LOOKED_AT, _BUILT = " counted", " looked at", " built"

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.For,
    nodes.If,
    nodes.Assign,
    nodes.Keyword,
    nodes.Operand,
    nodes.Pair,
    nodes.Expr,
)


MAX_NODES = 10_000
"""Nodes that a template's syntax tree may have."""


def guarded(template: nodes.Template) -> nodes.Template:
    """The same template, paying its way.

    Raises TemplateAssertionError for what is not allowed, CostsTooMuch for too much of it.
    """
    if _count(template) > MAX_NODES:
        raise CostsTooMuch(f"its syntax tree has more than {MAX_NODES} nodes")
    _Guard().visit(template)
    return template


def _count(node: nodes.Node) -> int:
    return 1 + sum(1 for _ in node.find_all(nodes.Node))


class _Guard(NodeTransformer):
    """Checks and rewrites a syntax tree from the leaves up."""

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        if not isinstance(node, _ALLOWED) or isinstance(node, nodes.NSRef):
            what = type(node).__name__.lower()
            raise TemplateAssertionError(f"{what} is not allowed in templates", node.lineno)
        return super().generic_visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            raise TemplateAssertionError("recursive loops are not allowed", node.lineno)
        weight = _count(node)
        self.generic_visit(node)
        node.iter = _through(_COUNTED, node.iter, nodes.Const(weight))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        # "~" cannot be watched, "+" can
        self.generic_visit(node)
        first, *others = (_through("string", part) for part in node.nodes)
        return functools.reduce(
            lambda left, right: _placed(nodes.Add(left, right), node), others, first
        )

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _through(_LOOKED_AT, node.expr)
        for operand in node.ops:
            operand.expr = _through(_LOOKED_AT, operand.expr)
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        self.generic_visit(node)
        if node.node is None:
            raise TemplateAssertionError("filter blocks are not allowed", node.lineno)
        node.node = _through(_LOOKED_AT, node.node)
        node.args = [_through(_LOOKED_AT, argument) for argument in node.args]
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Node:
        self.generic_visit(node)
        if node.name not in ("defined", "undefined"):
            node.node = _through(_LOOKED_AT, node.node)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr | nodes.Getitem):
            node.node.node = _through(_LOOKED_AT, node.node.node)
        node.args = [_through(_LOOKED_AT, argument) for argument in node.args]
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _through(_LOOKED_AT, node.node)
        return node

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return self._built(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        return self._built(node) if node.ctx == "load" else self.generic_visit(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return self._built(node)

    def _built(self, node: nodes.Expr) -> nodes.Node:
        self.generic_visit(node)
        return _through(_BUILT, node)


def _through(name: str, node: nodes.Node, *arguments: nodes.Expr) -> nodes.Expr:
    return _placed(nodes.Filter(node, name, list(arguments), [], None, None), node)


def _placed(node: nodes.Expr, like: nodes.Node) -> nodes.Expr:
    node.set_lineno(like.lineno)
    return node


def budget_of(context: Context) -> Budget:
    """The budget of the running rendering."""
    budget = context.parent[BUDGET]
    assert isinstance(budget, Budget)
    return budget


@pass_context
def _counted(context: Context, items: Iterable[Any], weight: int) -> Iterator[Any]:
    budget = budget_of(context)
    for item in items:
        budget.spend(weight)
        yield item


@pass_context
def _looked_at(context: Context, value: Any) -> Any:
    return budget_of(context).look_at(value)


@pass_context
def _built(context: Context, value: Any) -> Any:
    budget_of(context).spend(size_of(value, MAX_BUILT))
    return value


FILTERS = {_COUNTED: _counted, _LOOKED_AT: _looked_at, _BUILT: _built}
"""The filters that the rewritten tree uses."""
