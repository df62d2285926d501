"""What holds for any set of intents: no cycles, and no matter in which order they are compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.changes import compile_change
from esi_flows.compiler.groups import JobGroup
from esi_flows.compiler.queue import Queue
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import ResourceRef
from tests.compiler.support import Written, resource_type, template

CATALOG = Catalog(
    [
        resource_type("thing", heat_worker="Cthing", monitoring_worker={"field": "watched_by"}),
    ],
    [
        template(
            "thing",
            needs={
                "for_field": "needs",
                "for_mapping": {"output_key": "id", "path": [{"type": "thing", "id": ""}]},
            },
        ),
        template("watcher", "monitoring_worker", id="Pid"),
    ],
)


@dataclass
class World:
    """What the compiler is told of, and what it made of that."""

    documents: Written = field(default_factory=Written)
    memos: dict[ResourceRef, Memo] = field(default_factory=dict)
    queue: Queue = field(default_factory=Queue)
    groups: list[JobGroup] = field(default_factory=list)

    def change(self, number: int, needs: Sequence[int], *, watched: bool, marked: bool) -> JobGroup:
        """The next version of a thing."""
        me = thing(number)
        memo = self.memos.get(me)
        version = 1 if memo is None else memo.version + 1
        body = {
            "id": me.id,
            "needs": [thing(other).id for other in needs],
            "watched_by": "watcher" if watched else None,
        }
        intent = self.documents[me] = Intent(body, version, marked)
        group = compile_change(
            me,
            intent,
            memo=memo,
            documents=self.documents,
            catalog=CATALOG,
            queue=self.queue,
            suffix=lambda: "abcde",
        )
        assert isinstance(group, JobGroup)
        self.memos[me] = Memo.of(intent)
        for job in group.jobs:
            self.queue.add(job)
        self.groups.append(group)
        return group

    def end(self, index: int) -> None:
        """A group is over, if there are as many."""
        for group in self.groups[index : index + 1]:
            for job in group.jobs:
                self.queue.remove(job.id)


def thing(number: int) -> ResourceRef:
    return ResourceRef("thing", f"t{number}")


@st.composite
def needs_of_each(draw: st.DrawFn) -> list[tuple[tuple[int, ...], bool]]:
    """An acyclic set: what each thing needs of those before it, and whether it is watched."""
    size = draw(st.integers(1, 8))
    return [
        (tuple(sorted(draw(st.sets(st.integers(0, i - 1)) if i else st.just(())))), draw(BOOLEANS))
        for i in range(size)
    ]


BOOLEANS = st.booleans()
CHANGES = st.lists(
    st.tuples(st.integers(0, 7), BOOLEANS, BOOLEANS, st.none() | st.integers(0, 12)), max_size=12
)


@given(needs_of_each(), CHANGES)
def test_the_jobs_of_any_acyclic_set_of_intents_make_an_acyclic_graph(
    wanted: list[tuple[tuple[int, ...], bool]],
    changes: list[tuple[int, bool, bool, int | None]],
) -> None:
    """Created in order, then changed, deleted and ended at random."""
    world = World()
    for number, (needs, watched) in enumerate(wanted):
        world.change(number, needs, watched=watched, marked=False)
    for number, watched, marked, ending in changes:
        if ending is not None:
            world.end(ending)
        if number < len(wanted):
            world.change(number, wanted[number][0], watched=watched, marked=marked)
    graph = nx.DiGraph()
    for group in world.groups:
        for job in group.jobs:
            graph.add_edges_from((before, job.id) for before in job.dependency)
    assert nx.is_directed_acyclic_graph(graph)


@given(needs_of_each())
def test_whoever_needs_another_waits_for_its_stack(
    wanted: list[tuple[tuple[int, ...], bool]],
) -> None:
    world = World()
    for number, (needs, watched) in enumerate(wanted):
        group = world.change(number, needs, watched=watched, marked=False)
        stacks = {f"create:heat_worker:{thing(other)}:1:abcde" for other in needs}
        assert set(group.waits_for) == stacks


@given(needs_of_each(), st.randoms(use_true_random=False))
def test_the_order_of_those_that_do_not_need_each_other_does_not_matter(
    wanted: list[tuple[tuple[int, ...], bool]], random: Random
) -> None:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(wanted)))
    graph.add_edges_from((o, n) for n, (needs, _) in enumerate(wanted) for o in needs)
    ranks = [random.random() for _ in wanted]
    outcomes = []
    for order in (
        range(len(wanted)),
        nx.lexicographical_topological_sort(graph, key=lambda number: ranks[number]),
    ):
        world = World()
        groups = {
            n: world.change(n, wanted[n][0], watched=wanted[n][1], marked=False) for n in order
        }
        outcomes.append({n: [job.encode() for job in g.jobs] for n, g in groups.items()})
    assert outcomes[0] == outcomes[1]
