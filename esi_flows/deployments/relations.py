"""Which resources a body refers to: by relation fields, and by mentioning their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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


def texts(value: Any) -> Iterator[str]:
    """Every text in a body, however deep: what may be the id of something."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for element in value.values():
            yield from texts(element)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from texts(element)
