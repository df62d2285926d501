from __future__ import annotations

from benchmarks.views.measure import graph, measure


def test_two_thousand_jobs_are_drawn_while_one_waits() -> None:
    found = measure(2000)
    assert found.groups == 1000
    assert found.edges > 1500
    assert found.seconds < 5.0


def test_the_graph_is_the_same_each_time() -> None:
    assert graph(50) == graph(50)
