"""What must not be shown: field names that hold secrets, and documents with those masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from esi_flows.model import codec

MASK = "********"

_SHORTEST = 3
"""Characters of a secret that is looked for in sentences; shorter ones stand in any."""

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

    def mask_in(self, text: str, *documents: Any) -> str:
        """A sentence with every value masked that ``documents`` have in secret fields.

        For what others say: Heat, for one, repeats the parameter that it does not like. Only whole
        words are masked, and none of less than three characters.
        """
        pattern = self.pattern_of(self.values_in(*documents))
        return pattern.sub(MASK, text) if pattern is not None else text

    def values_in(self, *documents: Any) -> frozenset[str]:
        """Every text and number that ``documents`` have in secret fields."""
        return frozenset(value for document in documents for value in self._values(document))

    @staticmethod
    def pattern_of(values: Iterable[str]) -> re.Pattern[str] | None:
        """What finds those values in a sentence, however quoted; None where it looks for none."""
        shown = {form for v in values for form in (v, repr(v)[1:-1], json.dumps(v)[1:-1])}
        # the longest first: a secret may be the beginning of another
        wanted = sorted((v for v in shown if len(v) >= _SHORTEST), key=len, reverse=True)
        if not wanted:
            return None
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?!\w)")

    def _values(self, document: Any, *, secret: bool = False) -> Iterator[str]:
        """The texts and numbers in secret fields, however deep."""
        if isinstance(document, str) and document[:1] in ("{", "["):
            document = _parsed(document)
        if isinstance(document, Mapping):
            hidden = self._hidden(document)
            for name, element in document.items():
                yield from self._values(element, secret=secret or name in hidden)
        elif isinstance(document, list | tuple):
            for element in document:
                yield from self._values(element, secret=secret)
        elif secret and not _harmless(document):
            yield str(document)

    def _hidden(self, value: Mapping[str, Any]) -> set[str]:
        """The members of an object that hold something secret."""
        hidden = {name for name in value if name in self}
        if value.get("param", value.get("output_key")) in self:
            hidden |= {"value", "output_value"}
        return hidden

    def _mask_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        hidden = self._hidden(value)
        return {
            name: MASK if name in hidden and not _harmless(element) else self.mask(element)
            for name, element in value.items()
        }

    def _mask_text(self, text: str) -> str:
        document = _parsed(text)
        masked = self.mask(document) if document is not text else text
        return text if masked == document else json.dumps(masked, sort_keys=True)


def _parsed(text: str) -> Any:
    """The JSON that a text is; the text where it is none."""
    try:
        return codec.parse(text)
    except (ValueError, RecursionError):
        return text


def _harmless(value: Any) -> bool:
    """An empty field tells nothing, and that it is empty helps."""
    return value is None or isinstance(value, bool) or value in ("", [], {})
