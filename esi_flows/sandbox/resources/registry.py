"""All resource types by name."""

from __future__ import annotations

from esi_flows.sandbox.errors import CloudError, NotFound, ValidationFailed
from esi_flows.sandbox.resources import contrail, esi, heat
from esi_flows.sandbox.resources.types import Kind, Property, ResourceType

TYPES = {each.name: each for each in (*contrail.TYPES, *esi.TYPES, *heat.TYPES)}


def resource_type(name: str, *, in_template: bool = False) -> ResourceType:
    """The type of that name. Raises what Heat raises for an unknown one."""
    known = TYPES.get(name)
    if known is not None:
        return known
    message = f"The Resource Type ({name}) could not be found."
    if in_template:
        raise ValidationFailed(message)
    raise NotFound(message)


def replacement(mapping: object) -> dict[str, str]:
    """The ``resource_registry`` of an environment: type names in place of type names.

    Raises CloudError for anything else (nested stacks are not simulated).
    """
    if not isinstance(mapping, dict):
        raise CloudError('"resource_registry" is not a map')
    found = {}
    for name, target in mapping.items():
        if not isinstance(target, str) or target not in TYPES:
            raise CloudError(
                f"resource_registry: {name}: the sandbox maps types to its own types only"
            )
        found[str(name)] = target
    return found


def type_schema(known: ResourceType) -> dict[str, object]:
    """The schema of a type, as the service shows it."""
    return {
        "resource_type": known.name,
        "properties": {name: _property(each) for name, each in known.properties.items()},
        "attributes": {name: {"description": name} for name in known.attributes},
        "support_status": {
            "status": "SUPPORTED",
            "message": None,
            "version": None,
            "previous_status": None,
        },
    }


def _property(declared: Property) -> dict[str, object]:
    shown: dict[str, object] = {
        "type": declared.kind.value if declared.kind is not Kind.ANY else "any",
        "required": declared.required,
        "update_allowed": not declared.replaces,
        "immutable": False,
    }
    if declared.default is not None:
        shown["default"] = declared.default
    if declared.allowed:
        shown["constraints"] = [{"allowed_values": list(declared.allowed)}]
    return shown
