"""Keeps secrets out of plans, wherever a mapping or a template carried them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.model.codec import JsonObject
from esi_flows.model.secrets import MASK, Names
from esi_flows.planning.types import ParameterChange, PlannedJob, TemplateChange


def secret_names(catalog: Catalog) -> Names:
    """Names of fields whose values are shown nowhere."""
    return Names(name for known in catalog.types.values() for name in known.secrets)


class Redactor:
    """Masks what is secret by its name, and every value that stands in a secret field."""

    def __init__(self, names: Names, bodies: Iterable[JsonObject]) -> None:
        self._names = names
        self._secrets = names.values_in(*bodies)
        self._inside = names.pattern_of(self._secrets)

    def job(self, job: PlannedJob) -> PlannedJob:
        """The job with nothing secret in it."""
        return replace(
            job,
            parameters=tuple(self.parameter(change) for change in job.parameters),
            template=self._template(job.template) if job.template is not None else None,
        )

    def parameter(self, change: ParameterChange) -> ParameterChange:
        """A difference of parameters with nothing secret in it."""
        old, new = self._value(change.name, change.old), self._value(change.name, change.new)
        if (old, new) == (change.old, change.new):
            return change
        return replace(change, old=old, new=new, secret=True)

    def _value(self, name: str, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        return self._masked(self._names.mask({name: value})[name])

    def _masked(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._masked(element) for name, element in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(element) for element in value]
        if isinstance(value, str):
            return MASK if value in self._secrets else self.text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if self.text(str(value)) == str(value) else MASK
        return value

    def _template(self, change: TemplateChange) -> TemplateChange:
        if self._inside is None:
            return change
        return replace(
            change,
            difference=tuple(self.text(line) for line in change.difference),
            problem=self.text(change.problem),
        )

    def text(self, text: str) -> str:
        """A text with every secret in it masked."""
        return self._inside.sub(MASK, text) if self._inside is not None else text
