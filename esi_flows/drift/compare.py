"""Compares one recorded stack with what Heat tells of it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from esi_flows.drift import values
from esi_flows.drift.recorded import RecordedStack, Sent
from esi_flows.drift.types import Difference, Kind
from esi_flows.handlers.heat.parameters import as_sent
from esi_flows.handlers.heat.view import SeenStack
from esi_flows.model import codec
from esi_flows.model.secrets import Names
from esi_flows.planning.types import ParameterChange

HIDDEN = "******"
"""What Heat shows in the place of a hidden parameter."""


@dataclass(frozen=True, slots=True)
class Told:
    """What Heat told of one stack; None where it was not asked."""

    stack: SeenStack
    template: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] | None = None
    outputs: Sequence[Mapping[str, Any]] | None = None
    failures: Sequence[str] = ()


def of_status(seen: SeenStack, failures: Sequence[str] = ()) -> Iterator[Difference]:
    """That the stack is in no state that a finished job leaves it in."""
    action, _, result = seen.status.partition("_")
    if result == "FAILED":
        reasons = "; ".join(failures) or seen.reason
        yield Difference(Kind.FAILED, f"{seen.status}: {reasons}")
    elif result == "IN_PROGRESS":
        yield Difference(Kind.IN_PROGRESS, seen.status)
    elif action == "SUSPEND":
        yield Difference(Kind.SUSPENDED, seen.status)


def compare(recorded: RecordedStack, told: Told, names: Names) -> Iterator[Difference]:
    """Every way in which the stack differs. Values are not masked yet but in templates."""
    yield from of_status(told.stack, told.failures)
    sent = recorded.sent
    if sent is not None:
        if told.environment is not None:
            changes = tuple(_parameters(sent, told.environment))
            if changes:
                yield Difference(Kind.PARAMETERS, values=changes)
        if told.template is not None:
            yield from _template(sent.template, told.template, names)
    if told.outputs is not None:
        changes = tuple(_changes(_by_key(recorded.stack.output), _by_key(told.outputs)))
        if changes:
            yield Difference(Kind.OUTPUTS, values=changes)


def hidden(environment: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The parameters whose values Heat does not tell."""
    given = (environment or {}).get("parameters") or {}
    masked = {name for name, value in given.items() if value == HIDDEN}
    encrypted = (environment or {}).get("encrypted_param_names") or ()
    return tuple(sorted(masked | set(encrypted)))


def _parameters(sent: Sent, environment: Mapping[str, Any]) -> Iterator[ParameterChange]:
    kinds = values.types_of(values.as_json(sent.template))
    untold = hidden(environment)
    # a null is as good as nothing: Heat takes the default
    old = _given(as_sent(sent.template, sent.parameters), untold)
    new = _given(environment.get("parameters") or {}, untold)
    for change in _changes(old, new):
        kind = kinds.get(change.name, "")
        if values.plain(change.old, kind) != values.plain(change.new, kind):
            yield change
    defaults = environment.get("parameter_defaults") or {}
    for name, value in sorted(defaults.items()):
        yield ParameterChange(name, new=value, added=True)


def _given(parameters: Mapping[str, Any], untold: Sequence[str]) -> dict[str, Any]:
    return {n: v for n, v in parameters.items() if v is not None and n not in untold}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ParameterChange]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield ParameterChange(name, new=new[name], added=True)
        elif name not in new:
            yield ParameterChange(name, old=old[name], removed=True)
        elif codec.dumps(old[name]) != codec.dumps(new[name]):
            yield ParameterChange(name, old=old[name], new=new[name])


def _by_key(outputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(output["output_key"]): output.get("output_value") for output in outputs}


def _template(sent: str, heats: Mapping[str, Any], names: Names) -> Iterator[Difference]:
    recorded = values.as_json(sent)
    if recorded is None:
        yield Difference(Kind.TEMPLATE, "what was sent cannot be compared: it is no plain YAML")
    elif codec.dumps(recorded) != codec.dumps(heats):
        old, new = (_lines(values.without_secrets(each, names)) for each in (recorded, heats))
        lines = difflib.unified_diff(old, new, "recorded", "Heat", n=2, lineterm="")
        found = tuple(lines)
        yield Difference(Kind.TEMPLATE, "" if found else "differs in what is secret", lines=found)


def _lines(template: Any) -> list[str]:
    return str(yaml.safe_dump(template, sort_keys=True, allow_unicode=True)).splitlines()
