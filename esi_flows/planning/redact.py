"""Keeps secrets out of plans, wherever a mapping or a template carried them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.model.codec import JsonObject
from esi_flows.model.secrets import MASK, Names
from esi_flows.planning.types import ParameterChange, PlannedJob, TemplateChange

SHORTEST = 4
"""A secret shorter than this is not looked for inside texts: it would be found everywhere."""


def secret_names(catalog: Catalog) -> Names:
    """Names of fields whose values are shown nowhere."""
    return Names(name for known in catalog.types.values() for name in known.secrets)


class Redactor:
    """Masks what is secret by its name, and every value that stands in a secret field."""

    def __init__(self, names: Names, bodies: Iterable[JsonObject]) -> None:
        self._names = names
        found = {text for body in bodies for text in _secrets(body, self._names)}
        self._secrets = frozenset(found)
        # the longest first: a secret may be the beginning of another
        long = sorted((text for text in found if len(text) >= SHORTEST), key=len, reverse=True)
        self._inside = (
            re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, long))})(?!\w)") if long else None
        )

    def job(self, job: PlannedJob) -> PlannedJob:
        """The job with nothing secret in it."""
        return replace(
            job,
            parameters=tuple(self._parameter(change) for change in job.parameters),
            template=self._template(job.template) if job.template is not None else None,
        )

    def _parameter(self, change: ParameterChange) -> ParameterChange:
        old, new = self._value(change.name, change.old), self._value(change.name, change.new)
        secret = (old, new) != (change.old, change.new)
        return replace(change, old=old, new=new, secret=secret)

    def _value(self, name: str, value: Any) -> Any:
        masked = self._names.mask({name: value})[name]
        return self._masked(masked)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._masked(element) for name, element in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(element) for element in value]
        if isinstance(value, str):
            return MASK if value in self._secrets else self.text(value)
        return value

    def _template(self, change: TemplateChange) -> TemplateChange:
        return replace(
            change,
            difference=tuple(self.text(line) for line in change.difference),
            problem=self.text(change.problem),
        )

    def text(self, text: str) -> str:
        """A text with every secret in it masked."""
        return self._inside.sub(MASK, text) if self._inside is not None else text


def _secrets(value: Any, names: Names, *, inside: bool = False) -> Iterator[str]:
    """Every text in a secret field, however deep."""
    if isinstance(value, Mapping):
        for name, element in value.items():
            yield from _secrets(element, names, inside=inside or name in names)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _secrets(element, names, inside=inside)
    elif inside and isinstance(value, str) and value:
        yield value
