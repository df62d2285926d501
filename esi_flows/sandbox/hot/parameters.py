"""Parameters: what a template declares, what was given, and how it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esi_flows.sandbox.errors import CloudError, ValidationFailed
from esi_flows.sandbox.hot import values

MASK = "******"
"""What is shown in place of a hidden parameter."""

_KEYS = frozenset(
    {"type", "description", "default", "hidden", "constraints", "label", "immutable", "tags"}
)
_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "string": str,
    "number": values.number,
    "boolean": values.loose_boolean,
    "json": values.json_value,
    "comma_delimited_list": values.comma_list,
}
_CONSTRAINTS = (
    "length",
    "range",
    "allowed_values",
    "allowed_pattern",
    "custom_constraint",
    "modulo",
)


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


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as declared."""

    name: str
    type: str
    default: Any = None
    label: str = ""
    description: str = ""
    hidden: bool = False
    immutable: bool = False
    constraints: tuple[Constraint, ...] = ()

    def parse(self, given: Any) -> Any:
        """The value of what was given. Raises ValidationFailed."""
        try:
            value = _PARSERS[self.type](given)
            for constraint in self.constraints:
                if problem := constraint.problem(value):
                    raise ValueError(problem)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValidationFailed(f"Parameter '{self.name}' is invalid: {error}") from error
        return value

    def show(self, value: Any) -> str:
        """The text under ``parameters`` of a stack."""
        if self.hidden:
            return MASK
        if self.type == "json":
            return json.dumps(value)
        if self.type == "comma_delimited_list":
            return ",".join(value)
        return str(value)


def declare(section: Any) -> dict[str, Parameter]:
    """The ``parameters`` section. Raises SchemaInvalid, ValidationFailed."""
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise ValidationFailed('"parameters" must contain a map of parameter maps')
    return {str(name): _declare_one(str(name), declared) for name, declared in section.items()}


def resolve(
    declared: Mapping[str, Parameter], given: Mapping[str, Any], *, strict: bool = True
) -> dict[str, Any]:
    """Values by name. Raises what Heat raises for a missing, unknown or invalid one.

    Without ``strict`` a missing one has no value, as when a template alone is validated.
    """
    for name in given:
        if name not in declared:
            raise CloudError(
                f"The Parameter ({name}) was not defined in template.", kind="UnknownUserParameter"
            )
    found = {}
    for name, parameter in declared.items():
        value = given.get(name)
        if value is None:
            value = parameter.default
        if value is not None:
            found[name] = parameter.parse(value)
        elif strict:
            raise CloudError(
                f"The Parameter ({name}) was not provided.", kind="UserParameterMissing"
            )
    return found


def schema(parameter: Parameter) -> dict[str, Any]:
    """The form in which validation answers with a parameter."""
    names = {"json": "Json", "comma_delimited_list": "CommaDelimitedList"}
    shown: dict[str, Any] = {
        "Type": names.get(parameter.type, parameter.type.capitalize()),
        "Description": parameter.description,
        "NoEcho": str(parameter.hidden).lower(),
        "Label": parameter.label or parameter.name,
    }
    if parameter.default is not None:
        shown["Default"] = parameter.default
    return shown


def _declare_one(name: str, declared: Any) -> Parameter:
    if not isinstance(declared, Mapping):
        raise SchemaInvalid(f"Invalid parameter ({name}), expected a mapping")
    for key in declared:
        if key not in _KEYS:
            raise SchemaInvalid(f"Invalid key '{key}' for parameter ({name})")
    if "type" not in declared:
        raise SchemaInvalid(f"Missing parameter type for parameter: {name}")
    if declared["type"] not in _PARSERS:
        raise SchemaInvalid(f"Invalid type ({declared['type']})")
    parameter = Parameter(
        name=name,
        type=declared["type"],
        default=declared.get("default"),
        label=str(declared.get("label") or ""),
        description=str(declared.get("description") or ""),
        hidden=_flag(name, "hidden", declared),
        immutable=_flag(name, "immutable", declared),
        constraints=_constraints(name, declared.get("constraints")),
    )
    _check_default(parameter)
    return parameter


def _check_default(parameter: Parameter) -> None:
    if parameter.default is None:
        return
    try:
        parameter.parse(parameter.default)
    except ValidationFailed as error:
        reason = error.message.partition(" is invalid: ")[2]
        raise SchemaInvalid(
            f"Parameter '{parameter.name}' is invalid: "
            f"Invalid default {parameter.default} ({reason})"
        ) from error


def _flag(name: str, key: str, declared: Mapping[str, Any]) -> bool:
    try:
        return values.loose_boolean(declared.get(key, False))
    except ValueError as error:
        raise SchemaInvalid(f"Invalid '{key}' for parameter ({name}): {error}") from error


def _constraints(name: str, declared: Any) -> tuple[Constraint, ...]:
    if declared is None:
        return ()
    if not isinstance(declared, Sequence) or isinstance(declared, str):
        raise SchemaInvalid(f"Invalid parameter constraints for parameter {name}, expected a list")
    return tuple(_constraint(name, each) for each in declared)


def _constraint(name: str, declared: Any) -> Constraint:
    if not isinstance(declared, Mapping):
        raise SchemaInvalid("Invalid parameter constraints, expected a mapping")
    kinds = [key for key in declared if key in _CONSTRAINTS]
    if len(kinds) != 1 or len(declared) > 2 or set(declared) - set(kinds) - {"description"}:
        raise SchemaInvalid("No constraint expressed")
    kind, argument = kinds[0], declared[kinds[0]]
    if not _SHAPES[kind](argument):
        raise SchemaInvalid(f"Invalid {kind} constraint for parameter ({name}): {argument!r}")
    return Constraint(kind, argument, str(declared.get("description") or ""))


def _bounds(argument: Any) -> bool:
    return (
        isinstance(argument, Mapping)
        and bool(argument)
        and all(key in ("min", "max") for key in argument)
        and all(isinstance(bound, int | float) for bound in argument.values())
    )


def _pattern(argument: Any) -> bool:
    try:
        re.compile(argument)
    except (re.error, TypeError, RecursionError, OverflowError):
        return False
    return True


def _check_length(value: Any, bounds: Mapping[str, Any]) -> str:
    if values.out_of_range(len(value), bounds.get("min"), bounds.get("max")):
        return (
            f"length ({len(value)}) is out of range "
            f"(min: {bounds.get('min')}, max: {bounds.get('max')})"
        )
    return ""


def _check_range(value: Any, bounds: Mapping[str, Any]) -> str:
    if values.out_of_range(value, bounds.get("min"), bounds.get("max")):
        return f"{value} is out of range (min: {bounds.get('min')}, max: {bounds.get('max')})"
    return ""


def _check_allowed(value: Any, allowed: Sequence[Any]) -> str:
    found = value if isinstance(value, list) else [value]
    if all(item in allowed for item in found):
        return ""
    shown = value if isinstance(value, list) else f'"{value}"'
    return f"{shown} is not an allowed value [{', '.join(str(item) for item in allowed)}]"


def _check_pattern(value: Any, pattern: str) -> str:
    if values.matches(pattern, value):
        return ""
    return f'"{value}" does not match pattern "{pattern}"'


def _check_modulo(value: Any, argument: Mapping[str, Any]) -> str:
    step, offset = argument["step"], argument.get("offset", 0)
    if values.number(value) % step == offset:
        return ""
    return f"{value} is not a multiple of {step} with an offset of {offset})"


_CHECKS: Mapping[str, Callable[[Any, Any], str]] = {
    "length": _check_length,
    "range": _check_range,
    "allowed_values": _check_allowed,
    "allowed_pattern": _check_pattern,
    "modulo": _check_modulo,
}
_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "length": _bounds,
    "range": _bounds,
    "allowed_values": lambda argument: isinstance(argument, list),
    "allowed_pattern": _pattern,
    # what it asks is another service, and there is none here
    "custom_constraint": lambda argument: isinstance(argument, str),
    "modulo": lambda argument: isinstance(argument, Mapping) and bool(argument.get("step")),
}
