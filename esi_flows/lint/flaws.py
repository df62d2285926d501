"""One thing wrong with a type or a template, before it is known where that is written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from esi_flows.catalog.schema_check import did_you_mean
from esi_flows.catalog.yaml_files import Place
from esi_flows.model.errors import Severity


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, at ``place`` of the document, or on a line of the template's text.

    ``line`` counts from 1; 0 is the text as a whole, None that it is not about the text.
    """

    place: Place
    what: str
    hint: str = ""
    value: str = ""
    allowed: str = ""
    severity: Severity = Severity.ERROR
    line: int | None = None


def unknown(
    place: Place,
    what: str,
    word: str,
    known: Collection[str],
    *,
    severity: Severity = Severity.ERROR,
    line: int | None = None,
) -> Flaw:
    """``word`` is none of the ``known`` names: say the nearest, or all."""
    names = sorted(known)
    hint = did_you_mean(word, names)
    return Flaw(place, what, hint, word, ", ".join(names), severity, line)
