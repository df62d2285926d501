from __future__ import annotations

from dataclasses import replace

import pytest

from esi_flows.model.errors import InvalidInput
from esi_flows.model.jobs import OnFailure, ResourceRef
from esi_flows.views import analysis
from esi_flows.views.model import Graph, Mark, Step
from tests.views.building import edge, graph, group, small


def _marks(marked: Graph) -> dict[str, Mark]:
    found = {g.id: g.mark for g in marked.groups()} | {j.id: j.mark for _, j in marked.jobs()}
    return {name: mark for name, mark in found.items() if mark}


def test_edges_that_follow_from_others_are_left_out() -> None:
    ends = [(e.source, e.target) for e in analysis.reduced(small())]
    assert ends == [("network:1:1", "subnet:1:1"), ("subnet:1:1", "port:1:1")]


def test_a_failure_reverts_its_group_and_cancels_what_waits_for_it_however_far() -> None:
    job = analysis.find_job(small(), "create:monitoring_worker:network")
    assert _marks(analysis.if_fails(small(), job)) == {
        "network:1:1": Mark.FAILS,
        "create:heat_worker:network:1:1#0": Mark.REVERTED,
        "create:monitoring_worker:network:1:1#1": Mark.FAILS,
        "subnet:1:1": Mark.CANCELLED,
        "port:1:1": Mark.CANCELLED,
        "route:1:1": Mark.NOT_RUN,
    }


def test_a_failure_that_is_ignored_does_nothing_to_others() -> None:
    network = group("network")
    first = replace(network.jobs[0], on_failure=OnFailure.IGNORE)
    network = replace(network, jobs=(first, *network.jobs[1:]))
    port = group("port")
    made = graph(network, port, edges=(edge(network, port),))
    assert _marks(analysis.if_fails(made, first)) == {first.id: Mark.FAILS}


def test_the_critical_path_goes_through_steps_and_by_seconds() -> None:
    network, slow, port = group("network"), group("gateway"), group("port")
    slow = replace(slow, seconds=60.0)
    made = graph(network, slow, port, edges=(edge(network, port), edge(slow, port)))
    made = replace(made, steps=(*made.steps, Step("then", (group("route"),))))
    assert analysis.critical_path(made) == ("gateway:1:1", "port:1:1", "route:1:1")


def test_levels_count_what_must_end_before() -> None:
    found = analysis.levels(small())
    assert (found["network:1:1"], found["subnet:1:1"], found["port:1:1"]) == (0, 1, 2)


def test_groups_that_wait_in_a_circle_are_refused() -> None:
    one, two = group("network"), group("port")
    with pytest.raises(InvalidInput, match="in a circle"):
        analysis.network(graph(one, two, edges=(edge(one, two), edge(two, one))))


def test_a_comparison_marks_what_is_new_different_and_gone() -> None:
    network, port = group("network"), group("port")
    base = graph(network, port, edges=(edge(network, port),))
    changed = replace(network, version=2)
    told = analysis.difference(base, graph(changed, group("subnet")))
    assert {g.id: g.mark for g in told.groups()} == {
        "network:1:1": Mark.CHANGED,
        "subnet:1:1": Mark.ADDED,
        "port:1:1": Mark.REMOVED,
    }
    assert [e.mark for e in told.edges] == [Mark.REMOVED]
    assert all(not g.mark for g in analysis.difference(base, base).groups())


def test_only_what_is_bound_to_a_resource_is_around_it() -> None:
    found = analysis.around(small(), ResourceRef("subnet", "1"))
    assert [g.id for g in found.groups()] == ["network:1:1", "subnet:1:1", "port:1:1"]


def test_a_job_that_is_not_there_or_not_told_apart_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no job is called"):
        analysis.find_job(small(), "nowhere")
    with pytest.raises(InvalidInput, match="may be one of"):
        analysis.find_job(small(), "create:heat_worker")
