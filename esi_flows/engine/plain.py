"""JSON of whatever a task brings: always some, and always such that it can be read again."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import logging
import math
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any

from esi_flows.model import codec

LOG = logging.getLogger(__name__)

MAX_DEPTH = codec.MAX_DEPTH - 10
"""How deep a task's values are kept; they stand some levels down in their record."""
MAX_VALUES = 200_000
"""How many values of a document that needs mending are kept."""

_MAX_BITS = 14_000
"""Of an integer; Python reads and writes none of more than 4,300 digits."""

_TEXTS = (
    datetime.date,
    datetime.time,
    decimal.Decimal,
    pathlib.PurePath,
    uuid.UUID,
)
"""Types that are their text."""


def encode(document: Any) -> bytes:
    """``document`` as compact JSON. Never fails.

    What JSON does not know is kept as near as possible: sets as lists, dates and the like as their
    texts, anything else as the name of its type only, for what is in it may be secret. What is
    nested too deeply or in itself is cut there.
    """
    try:
        raw = _ENCODER.encode(document).encode()
    except (TypeError, ValueError, RecursionError):
        return _mended(document)
    # only what has that many brackets can be nested that deeply
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _is_too_deep(raw):
        return _mended(document)
    return raw


def _default(value: Any) -> Any:
    if isinstance(value, _TEXTS):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    LOG.warning("only the type of a value is kept", extra={"type": kind})
    return f"<{kind}>"


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_default)


def _is_too_deep(raw: bytes) -> bool:
    try:
        codec.parse(raw, max_depth=MAX_DEPTH)
    except (ValueError, RecursionError):
        return True
    return False


def _mended(document: Any) -> bytes:
    return _ENCODER.encode(_Mender().mend(document, 0)).encode()


class _Mender:
    """Makes a copy that is JSON, of what is not."""

    def __init__(self) -> None:
        self._left = MAX_VALUES
        self._inside: set[int] = set()

    def mend(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int):
            return value if value.bit_length() < _MAX_BITS else f"<{value.bit_length()} bits>"
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if not isinstance(value, Mapping | list | tuple | set | frozenset):
            found = _default(value)
            return found if isinstance(found, str) else self.mend(found, depth + 1)
        if id(value) in self._inside or depth > MAX_DEPTH - 2 or self._left < 0:
            return f"<{type(value).__qualname__}, left out>"
        self._inside.add(id(value))
        mended: Any
        if isinstance(value, Mapping):
            mended = {_key(k): self.mend(v, depth + 1) for k, v in value.items() if self._left > 0}
        else:
            mended = [self.mend(element, depth + 1) for element in value if self._left > 0]
        self._inside.discard(id(value))
        return mended


def _key(key: Any) -> str:
    known = isinstance(key, str | int | float | tuple) or key is None
    return str(key) if known else str(_default(key))
