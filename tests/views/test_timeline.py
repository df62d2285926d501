from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from esi_flows.deployments.progress import Phase
from esi_flows.views import timeline
from esi_flows.views.model import Graph, Times
from tests.views.building import edge, graph, group


def _ran() -> Graph:
    network = replace(
        group("network"),
        phase=Phase.DONE,
        times=Times(posted_at=100.0, started_at=101.0, ended_at=111.0, outside_seconds=8.0),
    )
    port = replace(
        group("port"),
        phase=Phase.RUNNING,
        times=Times(posted_at=100.0, started_at=111.0),
    )
    other = replace(
        group("<b>"),
        phase=Phase.DONE,
        times=Times(posted_at=100.0, started_at=100.0, ended_at=101.0),
    )
    return replace(graph(network, port, other, edges=(edge(network, port),)), at=116.0)


def test_every_second_from_posting_to_the_end_is_told_once() -> None:
    network, port, other = timeline.bars(_ran())
    assert (network.waiting, network.outside, network.own) == (1.0, 8.0, 2.0)
    assert (port.waiting, port.outside, port.own) == (11.0, 0.0, 5.0)
    assert (network.ends, port.ends, other.ends) == (11.0, 16.0, 1.0)


def test_the_chain_that_decided_how_long_it_took_is_marked() -> None:
    assert [bar.critical for bar in timeline.bars(_ran())] == [True, True, False]


def test_a_bar_is_as_long_as_its_time() -> None:
    first = timeline.text(_ran()).splitlines()[0].split("|")[1]
    assert (first.count("░"), first.count("█"), first.count("▓")) == (
        pytest.approx(40 / 16, abs=1),
        pytest.approx(8 * 40 / 16, abs=1),
        pytest.approx(2 * 40 / 16, abs=1),
    )


def test_names_put_no_element_into_a_timeline() -> None:
    root = ElementTree.fromstring(timeline.svg(_ran()))
    assert not [e for e in root.iter() if e.tag.endswith("}b")]


def test_nothing_that_ran_is_a_timeline_without_bars() -> None:
    assert timeline.bars(graph(group("port"))) == ()
