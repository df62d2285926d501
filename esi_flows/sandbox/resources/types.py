"""What a resource type is, and how its properties are checked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from esi_flows.sandbox.errors import ValidationFailed
from esi_flows.sandbox.hot import values


class Unresolvable(Exception):
    """An attribute that cannot be given; the text becomes the ``output_error``."""


class Kind(StrEnum):
    """The kinds of property values."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    MAP = "map"
    ANY = "any"


_CONVERT: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.STRING: values.text,
    Kind.INTEGER: values.integer,
    Kind.NUMBER: values.number,
    Kind.BOOLEAN: values.strict_boolean,
    Kind.LIST: values.sequence,
    Kind.MAP: values.mapping,
    Kind.ANY: lambda value: value,
}


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a type. ``replaces``: another value needs another resource."""

    kind: Kind = Kind.ANY
    required: bool = False
    replaces: bool = False
    default: Any = None
    allowed: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that was made: what its attributes are computed from."""

    name: str
    physical_id: str
    project_id: str
    properties: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    """What was fixed when it was made, such as a random value."""
    real_names: bool = False
    """Give what the properties say where the recorded backend gave constants."""


Give = Callable[[Made], Any]


def own_id(made: Made) -> Any:
    """The usual reference: the id."""
    return made.physical_id


def of_property(name: str) -> Give:
    """The attribute that repeats a property."""
    return lambda made: made.properties.get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """A resource type."""

    name: str
    properties: Mapping[str, Property]
    attributes: Mapping[str, Give] = field(default_factory=dict)
    reference: Give = own_id
    id_property: str = ""
    """The property whose value becomes the id (a new UUID where it has none)."""
    data: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda properties: {}
    """What is fixed at creation."""
    check: Callable[[Mapping[str, Any]], str] = lambda properties: ""
    """What is wrong with the properties together, or nothing."""
    named: bool = False
    """Its id is made from the names of stack and resource."""
    open_ended: bool = False
    """Takes any property and has every attribute (as None)."""
    description: str = ""

    def new_id(self, properties: Mapping[str, Any], *, stack: str, resource: str) -> str:
        """The id of a resource made with these properties."""
        if self.named:
            return f"{stack}-{resource}-{uuid.uuid4().hex[:12]}"
        return str(properties.get(self.id_property) or uuid.uuid4())

    def validated(self, given: Mapping[str, Any], *, resource: str) -> dict[str, Any]:
        """The properties, converted and with defaults. Raises ValidationFailed as Heat words it."""
        if self.open_ended:
            return {}
        where = ("resources", resource, "properties")
        for name in given:
            if name not in self.properties:
                raise _property_error(f"Unknown Property {name}", where)
        found = {}
        for name, declared in self.properties.items():
            value = given.get(name)
            if value is None:
                if declared.required:
                    raise _property_error(f"Property {name} not assigned", where)
                value = declared.default
            found[name] = _converted(declared, value, (*where, name))
        if problem := self.check(found):
            raise ValidationFailed(problem)
        return found

    def replaces(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
        """Whether the change of properties needs another resource."""
        return any(
            declared.replaces and before.get(name) != after.get(name)
            for name, declared in self.properties.items()
        )


def _converted(declared: Property, value: Any, where: tuple[str, ...]) -> Any:
    if value is None:
        return None
    try:
        value = _CONVERT[declared.kind](value)
    except (ValueError, TypeError, OverflowError) as error:
        raise _property_error(str(error), where) from error
    if declared.allowed and value not in declared.allowed:
        shown = ", ".join(str(item) for item in declared.allowed)
        raise _property_error(f'"{value}" is not an allowed value [{shown}]', where)
    bounds = (declared.minimum, declared.maximum)
    if bounds != (None, None) and values.out_of_range(value, *bounds):
        raise _property_error(
            f"{value} is out of range (min: {bounds[0]}, max: {bounds[1]})", where
        )
    return value


def _property_error(message: str, where: tuple[str, ...]) -> ValidationFailed:
    return ValidationFailed(message, where=where, error="Property error")
