"""The order of a step: what is referred to comes first, otherwise as written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.relations import references, texts
from esi_flows.deployments.types import Wanted
from esi_flows.model.errors import Finding
from esi_flows.model.jobs import ResourceRef

Needs = dict[ResourceRef, list[ResourceRef]]


def ordered(
    intents: Sequence[Wanted], catalog: Catalog, findings: list[Finding]
) -> tuple[Wanted, ...]:
    """The intents of one step, each after those it refers to; ties stay in file order.

    Relations are binding: every cycle becomes a finding that names its members. What a body
    mentions otherwise (``fixed_ips[].subnet_id``) also comes first, where that makes no circle.
    """
    by_resource = {wanted.resource: wanted for wanted in intents}
    needs: Needs = {
        wanted.resource: [
            target
            for _, target in references(catalog.types[wanted.resource.type], wanted.body)
            if target in by_resource and target != wanted.resource
        ]
        for wanted in intents
    }
    _add_mentions(needs, intents)
    visit = _Visit(needs)
    for wanted in intents:
        visit.from_resource(wanted.resource)
    for cycle in visit.cycles:
        names = " -> ".join(str(resource) for resource in (*cycle, cycle[0]))
        findings.append(
            by_resource[cycle[0]].finding(
                (),
                f"relations go round in a circle: {names}",
                "give one of them its relation in a later step",
            )
        )
    return tuple(by_resource[resource] for resource in visit.order)


def mentions(intents: Sequence[Wanted]) -> Mapping[ResourceRef, list[ResourceRef]]:
    """For each of some resources the others of them whose ids its body contains."""
    by_id: dict[str, list[ResourceRef]] = defaultdict(list)
    for wanted in intents:
        by_id[wanted.resource.id].append(wanted.resource)
    return {
        wanted.resource: [
            target
            for text in dict.fromkeys(texts(wanted.body))
            for target in by_id.get(text, ())
            if target != wanted.resource
        ]
        for wanted in intents
    }


def _add_mentions(needs: Needs, intents: Sequence[Wanted]) -> None:
    for resource, targets in mentions(intents).items():
        for target in targets:
            if target not in needs[resource] and not _reaches(needs, target, resource):
                needs[resource].append(target)


def _reaches(needs: Needs, start: ResourceRef, goal: ResourceRef) -> bool:
    """Whether ``start`` needs ``goal``, however indirectly."""
    seen, todo = {start}, [start]
    while todo:
        following = [target for target in needs[todo.pop()] if target not in seen]
        if goal in following:
            return True
        seen.update(following)
        todo += following
    return False


class _Visit:
    """Depth-first walk without recursion: deep chains are as good as short ones."""

    def __init__(self, needs: dict[ResourceRef, list[ResourceRef]]) -> None:
        self._needs = needs
        self._seen: set[ResourceRef] = set()
        self.order: list[ResourceRef] = []
        self.cycles: list[tuple[ResourceRef, ...]] = []

    def from_resource(self, start: ResourceRef) -> None:
        """Put ``start`` and all it needs into the order."""
        if start in self._seen:
            return
        self._seen.add(start)
        path = {start: iter(self._needs[start])}
        while path:
            resource, rest = next(reversed(path.items()))
            following = next(rest, None)
            if following is None:
                del path[resource]
                self.order.append(resource)
            elif following in path:
                members = list(path)
                self.cycles.append(tuple(members[members.index(following) :]))
            elif following not in self._seen:
                self._seen.add(following)
                path[following] = iter(self._needs[following])
