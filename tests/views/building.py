"""Graphs for tests: a network that a subnet and a port read."""

from __future__ import annotations

from esi_flows.model.jobs import ResourceRef
from esi_flows.planning.types import Kind, Rule
from esi_flows.views.model import Edge, Graph, Group, Job, Mode, Step, Why

JOBS = ("create:heat_worker", "create:monitoring_worker")


def group(kind: str, name: str = "1", *, jobs: tuple[str, ...] = JOBS) -> Group:
    made: list[Job] = []
    for number, job in enumerate(jobs):
        action, _, handler = job.partition(":")
        after = (made[-1].id,) if made else ()
        made.append(
            Job(id=f"{job}:{kind}:{name}:1#{number}", action=action, handler=handler, after=after)
        )
    return Group(
        id=f"{kind}:{name}:1",
        resource=ResourceRef(kind, name),
        version=1,
        kind=Kind.CREATE,
        jobs=tuple(made),
    )


def edge(source: Group, target: Group) -> Edge:
    return Edge(source=source.id, target=target.id, why=(Why(Rule.READS, ("p",), ("id",)),))


def graph(*groups: Group, edges: tuple[Edge, ...] = (), name: str = "small") -> Graph:
    return Graph(name=name, mode=Mode.PLAN, steps=(Step("10-create", groups),), edges=edges)


def small() -> Graph:
    network, subnet, port = group("network"), group("subnet"), group("port")
    later = Step("20-attach", (group("route"),))
    made = graph(
        network,
        subnet,
        port,
        group("tenant", jobs=()),
        edges=(edge(network, subnet), edge(network, port), edge(subnet, port)),
    )
    return Graph(name=made.name, mode=made.mode, steps=(*made.steps, later), edges=made.edges)
