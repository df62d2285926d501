"""What the graph implies: edges that say enough, levels, the longest chain, blast radius."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from itertools import pairwise

import networkx as nx

from esi_flows.model.errors import InvalidInput
from esi_flows.model.jobs import OnFailure, ResourceRef
from esi_flows.views.model import Edge, Graph, Group, Job, Mark, Step


def network(graph: Graph) -> nx.DiGraph:
    """The groups and what they wait for. Raises InvalidInput where they wait in a circle."""
    made = nx.DiGraph()
    made.add_nodes_from(group.id for group in graph.groups())
    made.add_edges_from((edge.source, edge.target) for edge in graph.edges)
    if not nx.is_directed_acyclic_graph(made):
        raise InvalidInput(f"groups of {graph.name} wait for each other in a circle")
    return made


def reduced(graph: Graph) -> tuple[Edge, ...]:
    """The edges without those that follow from others."""
    kept = nx.transitive_reduction(network(graph)).edges
    return tuple(edge for edge in graph.edges if (edge.source, edge.target) in kept)


def levels(graph: Graph) -> dict[str, int]:
    """How many groups must end one after another before each can begin."""
    network_of = network(graph)
    return {
        name: number
        for number, names in enumerate(nx.topological_generations(network_of))
        for name in names
    }


def critical_path(graph: Graph) -> tuple[str, ...]:
    """The groups that decide how long it takes, the first first; steps follow each other."""
    network_of = network(graph)
    filled = [step.groups for step in graph.steps if step.groups]
    for number, (before, after) in enumerate(pairwise(filled)):
        gate = ("step", number)
        network_of.add_edges_from((group.id, gate) for group in before)
        network_of.add_edges_from((gate, group.id) for group in after)
    seconds = {group.id: _seconds(group, graph.at) for group in graph.groups()}
    for source, target in network_of.edges:
        network_of.edges[source, target]["weight"] = seconds.get(target, 0.0)
    for name in [n for n in network_of if not network_of.in_degree(n)]:
        network_of.add_edge("start", name, weight=seconds.get(name, 0.0))
    path = nx.dag_longest_path(network_of) if len(network_of) else []
    return tuple(name for name in path if name in seconds)


def if_fails(graph: Graph, job: Job) -> Graph:
    """The graph marked with what the failure of a job brings about.

    Of its group everything done before is reverted and the rest does not run, and every group that
    waits for it, directly or not, is cancelled; so are all later steps. With ``on_failure: ignore``
    nothing of that happens.
    """
    owner = next(group for group, found in graph.jobs() if found.id == job.id)
    marks: dict[str, Mark] = {job.id: Mark.FAILS}
    if job.on_failure is OnFailure.FAIL:
        place = [found.id for found in owner.jobs].index(job.id)
        marks |= {found.id: Mark.REVERTED for found in owner.jobs[:place]}
        marks |= {found.id: Mark.NOT_RUN for found in owner.jobs[place + 1 :]}
        marks |= dict.fromkeys(nx.descendants(network(graph), owner.id), Mark.CANCELLED)
        marks |= _never_begun(graph, owner)
        marks[owner.id] = Mark.FAILS
    return marked(graph, marks)


def around(graph: Graph, resource: ResourceRef) -> Graph:
    """The groups of a resource with all that they wait for and that wait for them.

    Raises InvalidInput where there are none.
    """
    network_of = network(graph)
    own = {group.id for group in graph.groups() if group.resource == resource}
    if not own:
        raise InvalidInput(f"there is no group of {resource}", hint="esi-flows status lists all")
    bound = (nx.ancestors(network_of, name) | nx.descendants(network_of, name) for name in own)
    return only(graph, own.union(*bound), name=str(resource))


def only(graph: Graph, kept: Set[str], *, name: str) -> Graph:
    """The part of the graph with these groups."""
    steps = tuple(
        replace(step, groups=tuple(group for group in step.groups if group.id in kept))
        for step in graph.steps
    )
    edges = tuple(edge for edge in graph.edges if {edge.source, edge.target} <= kept)
    return replace(graph, name=name, steps=steps, edges=edges)


def marked(graph: Graph, marks: Mapping[str, Mark]) -> Graph:
    """The graph with these marks on groups and jobs, by id."""
    steps = tuple(
        replace(step, groups=tuple(_marked(group, marks) for group in step.groups))
        for step in graph.steps
    )
    edges = tuple(
        replace(edge, mark=Mark.CANCELLED)
        if marks.get(edge.target) is Mark.CANCELLED and edge.source in marks
        else edge
        for edge in graph.edges
    )
    return replace(graph, steps=steps, edges=edges)


def difference(base: Graph, graph: Graph) -> Graph:
    """``graph`` marked with what is added or changed since ``base``, with what is removed."""
    old, new = _by_id(base), _by_id(graph)
    marks = dict.fromkeys(new.keys() - old.keys(), Mark.ADDED)
    marks |= {name: Mark.CHANGED for name in new.keys() & old.keys() if new[name] != old[name]}
    gone = [replace(g, mark=Mark.REMOVED) for g in base.groups() if g.id not in new]
    told = marked(graph, marks)
    links = {(edge.source, edge.target): edge for edge in base.edges}
    now = {(edge.source, edge.target) for edge in graph.edges}
    edges = [
        replace(edge, mark=Mark.ADDED) if (edge.source, edge.target) not in links else edge
        for edge in told.edges
    ]
    edges += [replace(e, mark=Mark.REMOVED) for ends, e in links.items() if ends not in now]
    steps = (*told.steps, Step("removed", tuple(gone))) if gone else told.steps
    return replace(told, steps=steps, edges=tuple(edges))


def find_job(graph: Graph, text: str) -> Job:
    """The job that ``text`` is the beginning of: its id, or its resource's. Raises InvalidInput."""
    alike = [
        job
        for group, job in graph.jobs()
        if text in (job.id, job.job_id)
        or job.id.startswith(text)
        or f"{job.name}:{group.resource.id}".startswith(text)
        or str(group.resource).startswith(text)
        or group.resource.id.startswith(text)
    ]
    if len({id(group) for group, job in graph.jobs() if job in alike}) != 1:
        names = ", ".join(job.id for job in (alike or [j for _, j in graph.jobs()])[:8])
        what = f"{text!r} may be one of" if alike else f"no job is called {text!r}; there are"
        raise InvalidInput(f"{what} {names}", hint="give the job's id, or a longer part of it")
    return alike[0]


def _marked(group: Group, marks: Mapping[str, Mark]) -> Group:
    jobs = tuple(replace(job, mark=marks.get(job.id, job.mark)) for job in group.jobs)
    return replace(group, jobs=jobs, mark=marks.get(group.id, group.mark))


def _never_begun(graph: Graph, owner: Group) -> dict[str, Mark]:
    place = next(n for n, step in enumerate(graph.steps) if owner in step.groups)
    return {g.id: Mark.NOT_RUN for step in graph.steps[place + 1 :] for g in step.groups}


def _by_id(graph: Graph) -> dict[str, Group | Job]:
    found: dict[str, Group | Job] = {group.id: group for group in graph.groups()}
    return found | {job.id: job for _, job in graph.jobs()}


def _seconds(group: Group, now: float) -> float:
    """As it took where that is known, else as it is expected to; one for each job at least."""
    return group.times.running(now) or group.seconds or 0.001 * max(1, len(group.jobs))
