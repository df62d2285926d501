"""JSON in and out of etcd: strict on the way in, stable on the way out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from esi_flows.model.errors import DocumentInvalid

T = TypeVar("T")

JsonObject = Mapping[str, Any]

MAX_DEPTH = 200
"""How deep a document may be nested; what is deeper could be read but not always written again."""


def dumps(value: Any) -> bytes:
    """Compact JSON with sorted members: equal documents are equal bytes."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def dumps_text(value: Any) -> str:
    """JSON as text inside a document, as gohan keeps outputs in ``/state``."""
    return json.dumps(value, sort_keys=True)


def parse(text: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError or RecursionError where it cannot be read."""
    value = json.loads(text)
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return value


def loads(key: str, raw: bytes) -> Any:
    """Parse the document stored under ``key``. Raises DocumentInvalid naming it."""
    try:
        return parse(raw)
    except (ValueError, RecursionError) as error:
        raise DocumentInvalid(
            key, f"is not JSON: {error}", hint="write the document again as a JSON object"
        ) from error


def loads_object(key: str, raw: bytes) -> JsonObject:
    """Parse a document that must be a JSON object."""
    return require_object(key, "the document", loads(key, raw))


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
