"""What a JSON Schema has against a document, thing by thing; values of secrets stay unsaid."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError
from referencing.exceptions import Unresolvable

from esi_flows.catalog.types import ResourceType
from esi_flows.catalog.yaml_files import Document, Place
from esi_flows.model import secrets
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import Finding, Severity

SIMILAR = 0.8
"""How alike (of 1) two names must be for one to be taken for a slip of the other."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Where in a body, what is wrong there, what would be right; value and choices as texts."""

    place: Place
    what: str
    hint: str = ""
    value: str = ""
    allowed: str = ""
    severity: Severity = Severity.ERROR

    def finding(self, document: Document, before: str = "", *, inside: Place = ()) -> Finding:
        """The problem as a finding in a document, ``inside`` which the body is."""
        return document.finding(
            (*inside, *self.place),
            before + self.what,
            self.hint,
            severity=self.severity,
            value=self.value,
            allowed=self.allowed,
        )


_NAMES = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "an object",
}


def problems(known: ResourceType, body: JsonObject) -> Iterator[Problem]:
    """Everything in ``body`` that the schema of its type does not allow."""
    if known.schema:
        yield from problems_with(known.schema, body, secrets.Names(known.secrets))


def slips(schema: Any, value: Any, place: Place = ()) -> Iterator[Problem]:
    """Fields that a schema does not forbid, and whose names are nearly those that it knows."""
    if not isinstance(schema, Mapping):
        return
    known = schema.get("properties")
    if isinstance(value, Mapping) and isinstance(known, Mapping):
        forbids = schema.get("additionalProperties") is False
        for name, element in value.items():
            if name in known:
                yield from slips(known[name], element, (*place, name))
            elif not forbids and (near := difflib.get_close_matches(name, known, 1, SIMILAR)):
                yield Problem(
                    (*place, name),
                    "is no field that the schema knows",
                    f"did you mean {near[0]!r}?",
                    allowed=", ".join(sorted(known)),
                    severity=Severity.WARNING,
                )
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from slips(schema.get("items"), element, (*place, index))


def problems_with(schema: JsonObject, value: Any, hidden: secrets.Names) -> Iterator[Problem]:
    """Everything in ``value`` that ``schema`` does not allow; values of ``hidden`` unsaid."""
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    try:
        errors = list(validator.iter_errors(value))
    except (Unresolvable, RecursionError) as lost:
        yield Problem((), f"cannot be checked, its schema refers to what is not there: {lost}")
        return
    errors.sort(key=lambda e: [str(p) for p in e.absolute_path])
    for error in errors:
        yield from _problems_of(error, hidden)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``did you mean 'x'?`` for the nearest of ``known``, or a list of them, or nothing."""
    everything = f"known: {', '.join(sorted(known))}" if known else ""
    return _near(word, known) or everything


def _problems_of(error: ValidationError, hidden: secrets.Names) -> Iterator[Problem]:
    place: Place = tuple(error.absolute_path)
    instance: Any = error.instance
    rule: Any = error.validator_value
    if error.validator == "additionalProperties" and rule is False:
        around: Any = error.schema
        allowed = sorted(around.get("properties", {}))
        for name in sorted(set(instance) - set(allowed)):
            what, hint = "is no field of this type", did_you_mean(name, allowed)
            yield Problem((*place, name), what, hint, allowed=", ".join(allowed))
        return
    if error.validator == "required":
        # each missing field is an error of its own: say the one that this error is about
        for name in rule:
            if error.message.startswith(f"{name!r} "):
                yield Problem(place, f"field {name!r} is missing", allowed=", ".join(rule))
        return
    shown = "this value" if hidden.covers(place) else _shown(instance)
    value = "" if shown == "this value" else shown
    if error.validator in ("anyOf", "oneOf") and error.context:
        yield Problem(place, _alternatives(error), value=value)
        return
    what, hint, allowed_text = _sentence(error, shown)
    yield Problem(place, what, hint, value, allowed_text)


def _sentence(error: ValidationError, shown: str) -> tuple[str, str, str]:
    """What is wrong, what would be right, and everything that is allowed."""
    wanted: Any = error.validator_value
    match error.validator:
        case "type":
            kinds = _kinds(wanted)
            return f"{shown} is {_kind(error.instance)}, must be {kinds}", "", kinds
        case "enum":
            texts = [str(w) for w in wanted]
            allowed = ", ".join(texts)
            return f"{shown} is none of {allowed}", _near(error.instance, texts), allowed
        case "const":
            return f"{shown} must be {_shown(wanted)}", "", _shown(wanted)
        case "pattern":
            return f"{shown} does not match {wanted}", "", str(wanted)
        case "format":
            return f"{shown} is not a valid {wanted}", "", str(wanted)
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            limit = f"{error.validator} is {wanted}"
            return f"{shown} is out of range: {limit}", "", limit
        case "minItems" | "maxItems" | "minLength" | "maxLength":
            limit = f"{error.validator} is {wanted}"
            return f"has the wrong length: {limit}", "", limit
        case _:
            return f"breaks the schema's rule {error.validator!r}", "", ""


def _near(value: Any, texts: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(value), texts, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def _alternatives(error: ValidationError) -> str:
    kinds = [e.validator_value for e in error.context or () if e.validator == "type"]
    if kinds and len(kinds) == len(error.context or ()):
        return f"is {_kind(error.instance)}, must be {' or '.join(_kinds(k) for k in kinds)}"
    return "fits none of the forms the schema allows"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float) else "this value"
    return text if len(text) <= 60 else text[:57] + "..."


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, Mapping) else "a list"


def _kinds(wanted: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return " or ".join(_NAMES.get(name, name) for name in names)
