"""Parameters: what a template declares, what was given, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from esi_flows.sandbox.errors import CloudError, ValidationFailed
from esi_flows.sandbox.hot import values
from esi_flows.sandbox.hot.constraints import Constraint, SchemaInvalid, declare_constraints

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
            problem = self._problem(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise self._invalid(str(error)) from error
        if problem:
            raise self._invalid(problem)
        return value

    def check_default(self) -> None:
        """Raises SchemaInvalid, ValidationFailed for a default that is not allowed."""
        if self.default is None:
            return
        try:
            problem = self._problem(_PARSERS[self.type](self.default))
        except (ValueError, TypeError, OverflowError) as error:
            raise self._invalid(str(error)) from error
        if problem:
            reason = f"Invalid default {self.default} ({problem})"
            raise SchemaInvalid(f"Parameter '{self.name}' is invalid: {reason}")

    def show(self, value: Any) -> str:
        """The text under ``parameters`` of a stack."""
        if self.hidden:
            return MASK
        if self.type == "json":
            return json.dumps(value)
        if self.type == "comma_delimited_list":
            return ",".join(value)
        return str(value)

    def _problem(self, value: Any) -> str:
        return next(filter(None, (each.problem(value) for each in self.constraints)), "")

    def _invalid(self, reason: str) -> ValidationFailed:
        return ValidationFailed(f"Parameter '{self.name}' is invalid: {reason}")


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
        constraints=declare_constraints(name, declared["type"], declared.get("constraints")),
    )
    parameter.check_default()
    return parameter


def _flag(name: str, key: str, declared: Mapping[str, Any]) -> bool:
    try:
        return values.loose_boolean(declared.get(key, False))
    except ValueError as error:
        raise SchemaInvalid(f"Invalid '{key}' for parameter ({name}): {error}") from error
