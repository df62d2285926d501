"""Which resources a body refers to: by the relation fields that its type declares."""

from __future__ import annotations

from collections.abc import Iterator

from esi_flows.catalog.types import ResourceType
from esi_flows.model.codec import JsonObject
from esi_flows.model.jobs import ResourceRef


def references(known: ResourceType, body: JsonObject) -> Iterator[tuple[str, ResourceRef]]:
    """Each relation field of ``body`` that is set, with the resource it points to.

    A field may hold one id or a list of ids; empty ones point to nothing.
    """
    for field, target in known.relations.items():
        value = body.get(field)
        for identifier in value if isinstance(value, list) else (value,):
            if isinstance(identifier, str) and identifier:
                yield field, ResourceRef(target, identifier)
