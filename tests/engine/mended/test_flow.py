"""Flows made in one go are the ones that TaskFlow makes link by link."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from taskflow import exceptions as tf_exceptions
from taskflow import task
from taskflow.patterns import graph_flow

from esi_flows.engine.mended.flow import graph_of
from esi_flows.model.errors import InvalidInput
from tests.engine.mended.plans import Plan, plans


class Nothing(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    def execute(self) -> None:
        pass


def tasks(*names: str) -> list[Nothing]:
    return [Nothing(name) for name in names]


@settings(max_examples=50)
@given(plan=plans())
def test_it_is_the_flow_that_links_make(plan: Plan) -> None:
    members = tasks(*(f"t{number}" for number in range(plan.size)))
    edges = [(members[a], members[b]) for a, b in sorted(plan.edges)]
    linked = graph_flow.Flow("flow").add(*members)
    for before, after in edges:
        linked.link(before, after)
    made = graph_of("flow", members, edges)
    assert list(made) == list(linked)
    assert list(made.iter_links()) == list(linked.iter_links())
    assert list(made.iter_nodes()) == list(linked.iter_nodes())


def test_it_can_be_added_to_as_any_flow() -> None:
    a, b, c = tasks("a", "b", "c")
    flow = graph_of("flow", [a, b], [(a, b)])
    flow.add(c)
    flow.link(b, c)
    assert list(flow) == [a, b, c]
    with pytest.raises(tf_exceptions.DependencyFailure):
        flow.link(c, a)


def test_a_cycle_is_refused_and_named() -> None:
    a, b, c, d, e = tasks("a", "b", "c", "d", "e")
    with pytest.raises(InvalidInput, match=r"flow f: .*(b -> c -> d|c -> d -> b|d -> b -> c)"):
        graph_of("f", [a, b, c, d, e], [(a, b), (b, c), (c, d), (d, b), (d, e)])


def test_a_task_that_waits_for_itself_is_a_cycle() -> None:
    (a,) = tasks("a")
    with pytest.raises(InvalidInput, match="a -> a"):
        graph_of("f", [a], [(a, a)])


def test_two_tasks_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="'a'"):
        graph_of("f", tasks("a", "b", "a"), [])


def test_an_edge_to_a_stranger_is_refused() -> None:
    a, b = tasks("a", "b")
    with pytest.raises(InvalidInput, match="a -> b"):
        graph_of("f", [a], [(a, b)])


def test_it_is_linear() -> None:
    """Link by link, these edges take TaskFlow many minutes."""
    members = tasks(*(f"t{number}" for number in range(3000)))
    edges = [(members[b - step], members[b]) for b in range(9, 3000) for step in range(1, 9)]
    assert len(list(graph_of("f", members, edges).iter_links())) == len(edges)
