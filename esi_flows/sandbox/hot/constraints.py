"""Constraints on parameters: how they are declared, and what they say of a value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.hot import values

_APPLIES_TO = {
    "length": ("string", "comma_delimited_list", "json"),
    "range": ("number",),
    "allowed_values": ("string", "number", "boolean", "comma_delimited_list"),
    "allowed_pattern": ("string",),
    # what it asks is another service, and there is none here: accepted and not checked
    "custom_constraint": ("string", "number", "boolean", "comma_delimited_list", "json"),
}


class SchemaInvalid(CloudError):
    """The declaration of a parameter is not valid."""

    kind = "InvalidSchemaError"


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint; ``kind`` is its keyword, ``argument`` what stands behind it."""

    kind: str
    argument: Any
    description: str = ""

    def problem(self, value: Any) -> str:
        """Why the value is not allowed, or nothing. Raises ValueError where it cannot tell."""
        found = _CHECKS[self.kind](value, self.argument) if self.kind in _CHECKS else ""
        return (self.description or found) if found else ""


def declare_constraints(name: str, parameter_type: str, declared: Any) -> tuple[Constraint, ...]:
    """The ``constraints`` of a parameter. Raises SchemaInvalid."""
    if declared is None:
        return ()
    if not isinstance(declared, Sequence) or isinstance(declared, str):
        raise SchemaInvalid(f"Invalid parameter constraints for parameter {name}, expected a list")
    found = tuple(_constraint(each) for each in declared)
    for each in found:
        if parameter_type not in _APPLIES_TO[each.kind]:
            title = each.kind.title().replace("_", "")
            raise SchemaInvalid(
                f"Parameter '{name}' is invalid: {title} constraint invalid for {parameter_type}"
            )
    return found


def _constraint(declared: Any) -> Constraint:
    if not isinstance(declared, Mapping):
        raise SchemaInvalid("Invalid parameter constraints, expected a mapping")
    for key in declared:
        if key not in _APPLIES_TO and key != "description":
            raise SchemaInvalid(f"Invalid key '{key}' for parameter constraints")
    kinds = [key for key in declared if key in _APPLIES_TO]
    if len(kinds) != 1:
        raise SchemaInvalid("No constraint expressed")
    (kind,) = kinds
    argument = _SHAPES[kind](declared[kind])
    return Constraint(kind, argument, str(declared.get("description") or ""))


def _bounds(kind: str) -> Callable[[Any], Mapping[str, float]]:
    def shape(argument: Any) -> Mapping[str, float]:
        if not isinstance(argument, Mapping):
            raise SchemaInvalid(f"Invalid {kind} constraint, expected a mapping")
        for key in argument:
            if key not in ("min", "max"):
                raise SchemaInvalid(f"Invalid key '{key}' for {kind} constraint")
        if not argument:
            raise SchemaInvalid(
                f"A {kind} constraint must have a min value and/or a max value specified."
            )
        try:
            return {key: values.number(bound) for key, bound in argument.items()}
        except ValueError as error:
            raise SchemaInvalid("min/max must be numeric") from error

    return shape


def _allowed(argument: Any) -> list[Any]:
    if not isinstance(argument, list):
        raise SchemaInvalid("AllowedValues must be a list")
    return argument


def _pattern(argument: Any) -> str:
    if not isinstance(argument, str):
        raise SchemaInvalid("AllowedPattern must be a string")
    try:
        re.compile(argument)
    except (re.error, RecursionError, OverflowError) as error:
        raise SchemaInvalid(f"AllowedPattern is not a regular expression: {error}") from error
    return argument


def _check_length(value: Any, bounds: Mapping[str, Any]) -> str:
    if not values.out_of_range(len(value), bounds.get("min"), bounds.get("max")):
        return ""
    least, most = bounds.get("min"), bounds.get("max")
    return f"length ({len(value)}) is out of range (min: {least}, max: {most})"


def _check_range(value: Any, bounds: Mapping[str, Any]) -> str:
    if not values.out_of_range(value, bounds.get("min"), bounds.get("max")):
        return ""
    return f"{value} is out of range (min: {bounds.get('min')}, max: {bounds.get('max')})"


def _check_allowed(value: Any, allowed: Sequence[Any]) -> str:
    found = value if isinstance(value, list) else [value]
    if all(item in allowed for item in found):
        return ""
    shown = json.dumps(value) if isinstance(value, list) else f'"{value}"'
    return f"{shown} is not an allowed value {json.dumps(allowed, default=str)}"


def _check_pattern(value: Any, pattern: str) -> str:
    if values.matches(pattern, value):
        return ""
    return f'"{value}" does not match pattern "{pattern}"'


_CHECKS: Mapping[str, Callable[[Any, Any], str]] = {
    "length": _check_length,
    "range": _check_range,
    "allowed_values": _check_allowed,
    "allowed_pattern": _check_pattern,
}
_SHAPES: Mapping[str, Callable[[Any], Any]] = {
    "length": _bounds("length"),
    "range": _bounds("range"),
    "allowed_values": _allowed,
    "allowed_pattern": _pattern,
    "custom_constraint": str,
}
