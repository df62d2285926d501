"""What is compiled is what TaskFlow compiles."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from taskflow import exceptions as tf_exceptions
from taskflow import retry, task
from taskflow.engines.action_engine import compiler, scopes
from taskflow.patterns import graph_flow, linear_flow, unordered_flow

from esi_flows.engine.mended.compiler import FlatCompiler, fits
from esi_flows.engine.mended.scopes import FlatScope
from tests.engine.mended.plans import Plan, make, plans


class Nothing(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    def execute(self) -> None:
        pass


def parts(compilation: Any) -> Any:
    graph = compilation.execution_graph
    return (
        graph.name,
        [(node.name, data) for node, data in graph.nodes(data=True)],
        sorted((a.name, b.name, sorted(data.items())) for a, b, data in graph.edges(data=True)),
        [(node.item.name, node.metadata) for node in compilation.hierarchy.dfs_iter(True)],
        graph.frozen,
        compilation.hierarchy.frozen,
    )


def check_same(flow: Any) -> None:
    stock = compiler.PatternCompiler(flow).compile()
    ours = FlatCompiler(flow).compile()
    assert parts(ours) == parts(stock)
    for atom in flow:
        walker = scopes.ScopeWalker(stock, atom, names_only=True)
        assert list(FlatScope(ours, atom)) == list(walker)


@settings(max_examples=100)
@given(plan=plans())
def test_graph_tree_and_scopes_are_the_same(plan: Plan) -> None:
    check_same(make(plan).flow)


def test_other_patterns_of_tasks_fit_too() -> None:
    for pattern in (linear_flow.Flow, unordered_flow.Flow, graph_flow.TargetedFlow):
        flow = pattern("flow").add(Nothing("a"), Nothing("b"), Nothing("c"))
        assert fits(flow)
        check_same(flow)


def test_an_empty_flow_is_the_same() -> None:
    check_same(graph_flow.Flow("flow"))


def test_neighbours_are_direct_ones_in_order() -> None:
    plan = Plan(size=4, edges=frozenset({(0, 1), (1, 2), (0, 3), (2, 3), (1, 3)}))
    compiled = FlatCompiler(make(plan).flow).compile()
    before = {a.name: [b.name for b in found] for a, found in compiled.predecessors.items()}
    after = {a.name: [b.name for b in found] for a, found in compiled.successors.items()}
    assert before == {"t0": [], "t1": ["t0"], "t2": ["t1"], "t3": ["t0", "t1", "t2"]}
    assert after == {"t0": ["t1", "t3"], "t1": ["t2", "t3"], "t2": ["t3"], "t3": []}


def test_two_tasks_of_one_name_are_refused_as_by_taskflow() -> None:
    flow = unordered_flow.Flow("flow").add(Nothing("a"), Nothing("a"))
    with pytest.raises(tf_exceptions.Duplicate, match=r"\['a'\]"):
        FlatCompiler(flow).compile()


def test_flows_with_more_than_tasks_do_not_fit() -> None:
    with_retry = graph_flow.Flow("flow", retry=retry.Times(2)).add(Nothing("a"))
    nested = graph_flow.Flow("flow").add(linear_flow.Flow("inner").add(Nothing("a")))
    decided = graph_flow.Flow("flow")
    a, b = Nothing("a"), Nothing("b")
    decided.add(a, b)
    decided.link(a, b, decider=lambda history: True)
    assert [fits(flow) for flow in (with_retry, nested, decided)] == [False, False, False]
    assert not fits(Nothing("a"))
