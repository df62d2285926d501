"""Finds the resource that a user means: ``type:id`` or the beginning of an id."""

from __future__ import annotations

from esi_flows.catalog import schema_check
from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.jobs import ResourceRef
from esi_flows.store.base import ReadStore

SHOWN = 8


def all_resources(store: ReadStore, catalog: Catalog) -> list[ResourceRef]:
    """Every resource of a known type that has an intent or a result, in key order."""
    found: dict[ResourceRef, None] = {}
    for root in (keys.CONFIG, keys.STATE):
        for item in store.range(root).items:
            path = keys.parse_resource(item.key, root)
            resource = catalog.resource(path) if path is not None else None
            if resource is not None:
                found[resource] = None
    return list(found)


def find(store: ReadStore, catalog: Catalog, text: str) -> ResourceRef:
    """The resource that ``text`` names: ``type:id``, or an id or type:id cut short.

    Raises InvalidInput where it names none, or several.
    """
    kind, colon, identifier = text.partition(":")
    if colon and kind not in catalog.types:
        hint = schema_check.did_you_mean(kind, list(catalog.types))
        raise InvalidInput(f"unknown resource type {kind!r}", hint=hint)
    wanted = identifier if colon else text
    alike = [
        resource
        for resource in all_resources(store, catalog)
        if resource.id.startswith(wanted) and (not colon or resource.type == kind)
    ]
    exact = [resource for resource in alike if resource.id == wanted]
    if len(exact) == 1 or len(alike) == 1:
        return (exact or alike)[0]
    if not alike:
        raise InvalidInput(f"no resource is called {text!r}", hint="esi-flows status lists all")
    names = [str(resource) for resource in (exact or alike)]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    raise InvalidInput(
        f"{text!r} may be {', '.join(names[:SHOWN])}{more}", hint="give the type and more of the id"
    )
