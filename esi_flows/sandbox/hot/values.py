"""Conversion and checks of values by their declared kind, with Heat's messages."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "n", "no"})


def number(value: Any) -> int | float:
    """A finite number, also from its text. Raises ValueError."""
    found = _finite(value)
    try:
        return int(value) if isinstance(value, int | str) else found
    except ValueError:
        return found


def _finite(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{value!r} is not a number") from error
    if not math.isfinite(found):
        raise ValueError(f"{value!r} is not a finite number")
    return found


def strict_json(text: str | bytes | bytearray) -> Any:
    """JSON without what only Python takes for it (NaN, lone surrogates). Raises ValueError."""
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    is_escaped = "\\u" in text if isinstance(text, str) else b"\\u" in text
    if is_escaped:
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def loose_boolean(value: Any) -> bool:
    """A boolean from any of the words a *parameter* may use. Raises ValueError."""
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    words = ", ".join(f"'{word}'" for word in sorted(_TRUE | _FALSE))
    raise ValueError(f"Unrecognized value '{value}', acceptable values are: {words}")


def comma_list(value: Any) -> list[str]:
    """A list from a comma-delimited text, or the texts of a list. Raises ValueError."""
    if isinstance(value, list):
        return [str(item) for item in value]
    if not isinstance(value, str):
        raise ValueError(
            f"Value must be a comma-delimited list string: "
            f"'{type(value).__name__}' object has no attribute 'split'"
        )
    return value.split(",") if value else []


def json_value(value: Any) -> Any:
    """A JSON value, also from its text. Raises ValueError."""
    if not isinstance(value, str) or not value:
        return value
    try:
        return strict_json(value)
    except ValueError as error:
        raise ValueError(f"Value must be valid JSON: {error}") from error


def text(value: Any) -> str:
    """The text of a property of kind string. Raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return str(value)
    raise ValueError(f"Value must be a string; got {value!r}")


def strict_boolean(value: Any) -> bool:
    """A property of kind boolean: only true and false. Raises ValueError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    shown = value.lower() if isinstance(value, str) else value
    raise ValueError(f'"{shown}" is not a valid boolean')


def integer(value: Any) -> int:
    """A property of kind integer. Raises ValueError."""
    try:
        return int(value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"Value '{value}' is not an integer") from error


def sequence(value: Any) -> list[Any]:
    """A property of kind list. Raises ValueError."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return list(value)
    raise ValueError(f'"{value!r}" is not a list')


def mapping(value: Any) -> dict[str, Any]:
    """A property of kind map. Raises ValueError."""
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f'"{value}" is not a map')


def out_of_range(value: Any, minimum: float | None, maximum: float | None) -> bool:
    """Whether a number lies outside the bounds (None: no bound)."""
    found = number(value)
    return (minimum is not None and found < minimum) or (maximum is not None and found > maximum)


def matches(pattern: str, value: Any) -> bool:
    """Whether the whole text matches the regular expression."""
    return re.fullmatch(pattern, str(value)) is not None


def pick(value: Any, path: Sequence[Any]) -> Any:
    """The part of a value that a path names; None where the path leads nowhere."""
    for key in path:
        if isinstance(value, str):
            value = _parsed(value)
        if isinstance(value, Mapping):
            value = value.get(key) if isinstance(key, str | int) else None
        elif isinstance(value, Sequence) and not isinstance(value, str):
            try:
                value = value[int(key)]
            except (ValueError, TypeError, IndexError):
                return None
        else:
            return None
    return value


def _parsed(value: str) -> Any:
    # attributes that are JSON texts can be walked into, as in Heat
    try:
        return strict_json(value)
    except ValueError:
        return None
