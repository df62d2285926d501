"""What a JSON Schema has against a document, thing by thing; values of secrets stay unsaid."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError

from esi_flows.catalog.types import ResourceType
from esi_flows.model import secrets
from esi_flows.model.codec import JsonObject

Place = tuple[str | int, ...]
Problem = tuple[Place, str, str]
"""Where in the body, what is wrong, and what would be right."""

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


def problems_with(schema: JsonObject, value: Any, hidden: secrets.Names) -> Iterator[Problem]:
    """Everything in ``value`` that ``schema`` does not allow; values of ``hidden`` unsaid."""
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    errors = sorted(validator.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
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
            yield (*place, name), "is no field of this type", did_you_mean(name, allowed)
        return
    if error.validator == "required":
        # each missing field is an error of its own: say the one that this error is about
        for name in rule:
            if error.message.startswith(f"{name!r} "):
                yield place, f"field {name!r} is missing", ""
        return
    if error.validator in ("anyOf", "oneOf") and error.context:
        yield place, _alternatives(error), ""
        return
    shown = "this value" if hidden.covers(place) else _shown(instance)
    yield place, *_sentence(error, shown)


def _sentence(error: ValidationError, shown: str) -> tuple[str, str]:
    wanted: Any = error.validator_value
    match error.validator:
        case "type":
            return f"{shown} is {_kind(error.instance)}, must be {_kinds(wanted)}", ""
        case "enum":
            texts = [str(w) for w in wanted]
            return f"{shown} is none of {', '.join(texts)}", _near(error.instance, texts)
        case "const":
            return f"{shown} must be {_shown(wanted)}", ""
        case "pattern":
            return f"{shown} does not match {wanted}", ""
        case "format":
            return f"{shown} is not a valid {wanted}", ""
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return f"{shown} is out of range: {error.validator} is {wanted}", ""
        case "minItems" | "maxItems" | "minLength" | "maxLength":
            return f"has the wrong length: {error.validator} is {wanted}", ""
        case _:
            return f"breaks the schema's rule {error.validator!r}", ""


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
