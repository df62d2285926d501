"""JSON in and out of etcd: strict on the way in, stable on the way out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from esi_flows.model.errors import DocumentInvalid

T = TypeVar("T")

JsonObject = Mapping[str, Any]

MAX_DEPTH = 200
"""How deep a document may be nested; what is deeper could be read but not always written again."""

MAX_INTENT_DEPTH = MAX_DEPTH - 20
"""How deep an intent may be nested: the jobs made of it hold its body some levels further down."""


# made once: json.dumps makes one with every call that does not want its defaults
_COMPACT = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def dumps(value: Any) -> bytes:
    """Compact JSON with sorted members: equal documents are equal bytes."""
    text = _COMPACT.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # half a surrogate pair: JSON allows it as an escape, UTF-8 has no bytes for it
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def dumps_text(value: Any) -> str:
    """JSON as text inside a document, as gohan keeps outputs in ``/state``."""
    return json.dumps(value, sort_keys=True)


def parse(text: bytes | str, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. Raises ValueError or RecursionError where it cannot be read."""
    value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > max_depth:
            raise ValueError(f"nested deeper than {max_depth} levels")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def loads(key: str, raw: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Parse the document stored under ``key``. Raises DocumentInvalid naming it."""
    try:
        return parse(raw, max_depth=max_depth)
    except (ValueError, RecursionError) as error:
        raise DocumentInvalid(
            key, f"is not JSON: {error}", hint="write the document again as a JSON object"
        ) from error


def loads_object(key: str, raw: bytes, *, max_depth: int = MAX_DEPTH) -> JsonObject:
    """Parse a document that must be a JSON object."""
    return require_object(key, "the document", loads(key, raw, max_depth=max_depth))


def require_object(key: str, what: str, value: Any) -> JsonObject:
    """``value`` if it is a JSON object. Raises DocumentInvalid saying ``what`` is not."""
    if not isinstance(value, dict):
        raise DocumentInvalid(key, f"{what} is {type(value).__name__}, not an object")
    return value


def member(key: str, document: JsonObject, name: str, kind: type[T]) -> T:
    """Member ``name`` of a document, checked to be of ``kind``. Raises DocumentInvalid."""
    value = document.get(name)
    # bool is an int to Python, never to JSON
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found = "missing" if name not in document else f"{type(value).__name__}"
        raise DocumentInvalid(key, f"member {name!r} is {found}, must be {kind.__name__}")
    return value


def texts(key: str, document: JsonObject, name: str) -> tuple[str, ...]:
    """Member ``name`` of a document, a list of texts. Raises DocumentInvalid."""
    found = member(key, document, name, list)
    for element in found:
        if not isinstance(element, str):
            raise DocumentInvalid(key, f"member {name!r} holds something that is no text")
    return tuple(found)


def number(key: str, document: JsonObject, name: str) -> float:
    """Member ``name`` of a document, a number; 0 where it is missing. Raises DocumentInvalid."""
    value = document.get(name, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DocumentInvalid(key, f"member {name!r} is {type(value).__name__}, must be a number")
    try:
        return float(value)
    except OverflowError as error:
        raise DocumentInvalid(key, f"member {name!r} is too large") from error
