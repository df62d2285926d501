"""What must not be shown: field names that hold secrets, and documents with those masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MASK = "********"

_SUSPECT = re.compile(
    r"passw|passphrase|secret|credential|token|private[_-]?key|api[_-]?key|community|authorization",
    re.IGNORECASE,
)


class Names:
    """Field names whose values are secret: those declared, and those that sound like it."""

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self._declared = frozenset(declared)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in self._declared or _SUSPECT.search(name) is not None
        )

    def covers(self, place: Sequence[str | int]) -> bool:
        """Whether the value at ``place`` of a document is in a secret field, however deep."""
        return any(part in self for part in place)

    def mask(self, value: Any) -> Any:
        """``value`` with everything in secret fields masked.

        Understands what documents in the store look like: JSON texts inside documents, the
        ``params`` of jobs (``{param, value}``) and outputs (``{output_key, output_value}``).
        """
        if isinstance(value, Mapping):
            return self._mask_object(value)
        if isinstance(value, list | tuple):
            return [self.mask(element) for element in value]
        if isinstance(value, str) and value[:1] in ("{", "["):
            return self._mask_text(value)
        return value

    def _mask_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        named = value.get("param", value.get("output_key"))
        hidden = {"value", "output_value"} if named in self else set()
        return {
            name: MASK
            if (name in self or name in hidden) and not _harmless(element)
            else self.mask(element)
            for name, element in value.items()
        }

    def _mask_text(self, text: str) -> str:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return text
        masked = self.mask(document)
        return text if masked == document else json.dumps(masked, sort_keys=True)


def _harmless(value: Any) -> bool:
    """An empty field tells nothing, and that it is empty helps."""
    return value is None or isinstance(value, bool) or value in ("", [], {})
