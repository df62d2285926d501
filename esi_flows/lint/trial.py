"""Tries a template with values as they could come, and looks at what it becomes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from esi_flows.catalog.types import HEAT_WORKER, Catalog, Template
from esi_flows.compiler import mapping as m
from esi_flows.compiler.monitoring import target_errors
from esi_flows.compiler.rendering import render
from esi_flows.compiler.templates import (
    JINJA_PREFIX,
    MAX_HEAT_TEMPLATE,
    MAX_TARGETS,
    TIMEOUT_PARAMETER,
    split_values,
)
from esi_flows.lint.flaws import Flaw, unknown
from esi_flows.lint.hot import Hot, line_of, read_hot
from esi_flows.lint.samples import Taste, sample
from esi_flows.lint.shapes import Shape
from esi_flows.lint.texts import Names, names_read
from esi_flows.model.errors import Severity, TemplateError

_WAITS = ("jinja_force_dependency", "jinja_dummy_dependency")
"""Names of parameters that are there to be waited for, as recorded."""

_NOTE = "not read by the template:"
"""What a comment in the template's head says of a parameter that is there for another reason."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found; ``outputs`` is None where they could not be found out.

    ``failures``: why the text could not be rendered with values as they could come.
    """

    flaws: tuple[Flaw, ...]
    outputs: frozenset[str] | None
    failures: tuple[Flaw, ...] = ()

    def told(self, *, after: Collection[Flaw]) -> Iterator[Flaw]:
        """What is worth telling ``after`` something else: a failure may follow from that."""
        yield from self.flaws
        if not after and not any(flaw.severity is Severity.ERROR for flaw in self.flaws):
            yield from self.failures


def try_template(
    template: Template,
    mappings: Mapping[str, m.Mapping | None],
    users: Sequence[Shape],
    catalog: Catalog,
    *,
    head: str | None = None,
) -> Trial:
    """Check a template's text against its parameters, for each shape of its users.

    ``mappings`` are its parameters (None: cannot be read); ``head`` is the text of its head:
    without it nobody knows which parameters are meant to be read by nobody.
    """
    try:
        names = names_read(template.id, template.template_file)
    except TemplateError as error:
        return Trial(tuple(_cannot_render(error, Severity.ERROR)), None)
    trials = _Trials(template, mappings, catalog)
    ignored = set(mappings) if head is None else _meant_so(mappings, head)
    flaws = list(_names(template, names, mappings, ignored))
    for shape in users or [Shape()]:
        flaws.extend(trials.rendered(shape))
    flaws.extend(trials.parameters())
    given = trials.unused().intersection(mappings)
    flaws.extend(_never_read(name) for name in sorted(given - ignored))
    failures = tuple(dict.fromkeys(trials.failures)) if users else ()
    return Trial(tuple(dict.fromkeys(flaws)), trials.outputs(), failures)


class _Trials:
    """The renderings of one template, and what was found in them."""

    def __init__(
        self, template: Template, mappings: Mapping[str, m.Mapping | None], catalog: Catalog
    ) -> None:
        self._template = template
        self._source = template.template_file
        self._mappings = mappings
        self._catalog = catalog
        self._hots: list[Hot] = []
        self.failures: list[Flaw] = []

    def rendered(self, shape: Shape) -> Iterator[Flaw]:
        """Everything wrong with what the text becomes for resources of a shape."""
        for taste in Taste:
            values, guessed = self._values(shape, taste)
            # what need not come, or comes otherwise, is no proof that the text is wrong
            severity = Severity.WARNING if guessed else Severity.ERROR
            try:
                text = self._render(values)
            except TemplateError as error:
                if taste is Taste.FULL:
                    self.failures += _cannot_render(error, severity)
                continue
            flaws = list(self._look_at(text, severity))
            if taste is Taste.FULL:
                yield from flaws
            else:
                yield from (flaw for flaw in flaws if flaw.line)

    def _values(self, shape: Shape, taste: Taste) -> tuple[dict[str, Any], bool]:
        samples = {
            name: sample(mapping, shape, self._catalog, taste)
            for name, mapping in self._mappings.items()
            if mapping is not None
        }
        values = {name: given.value for name, given in samples.items()}
        reads = {name: given for name, given in samples.items() if self._is_for_text(name)}
        guessed = any(given.guessed for given in reads.values())
        return values, guessed or None in self._mappings.values()

    def _is_for_text(self, name: str) -> bool:
        return self._template.handler != HEAT_WORKER or name in split_values({name: None})[1]

    def _render(self, values: Mapping[str, Any]) -> str:
        if self._template.handler == HEAT_WORKER:
            _, jinja = split_values(values)
            return render(self._template.id, self._source, jinja, max_size=MAX_HEAT_TEMPLATE)
        return render(self._template.id, self._source, values, max_size=MAX_TARGETS)

    def _look_at(self, text: str, severity: Severity) -> Iterator[Flaw]:
        if self._template.handler != HEAT_WORKER:
            yield from self._look_at_targets(text, severity)
            return
        hot = read_hot(text, self._source)
        if hot.broken is not None:
            yield replace(hot.broken, severity=severity)
        else:
            self._hots.append(hot)
            yield from hot.flaws

    def _look_at_targets(self, text: str, severity: Severity) -> Iterator[Flaw]:
        for error in target_errors(self._template.id, text):
            what = error.message.removeprefix(f"template {self._template.id}").lstrip(": ")
            section = re.match("section '([^']*)'", what)
            line = line_of(self._source, section[1]) if section else 0
            yield Flaw((), what, error.hint, severity=severity, line=line)

    def parameters(self) -> Iterator[Flaw]:
        """What the HOT template and the mappings of its parameters do not agree on."""
        if not self._hots:
            return
        given = {name for name in self._mappings if not self._is_for_text(name)}
        given.discard(TIMEOUT_PARAMETER)
        declared = frozenset().union(*(hot.parameters for hot in self._hots))
        for name in sorted(given - declared):
            what = f"the text declares no parameter {name!r}, so Heat would refuse it"
            yield unknown(("parameter_mappings", name), what, name, declared - given)
        required = frozenset().union(*(hot.required for hot in self._hots))
        for name in sorted(required - given):
            what = f"parameter {name!r} has no default, and no mapping gives it"
            line = line_of(self._source, name)
            yield unknown((), what, name, given - declared, line=line)

    def unused(self) -> frozenset[str]:
        """The parameters for Heat that the text declares and nothing in it reads."""
        if not self._hots:
            return frozenset()
        declared = frozenset().union(*(hot.parameters for hot in self._hots))
        return declared - {
            name for hot in self._hots for function, name in hot.used if function == "get_param"
        }

    def outputs(self) -> frozenset[str] | None:
        """All outputs that the text can have; None where it could not be tried."""
        if not self._hots:
            return None
        return frozenset().union(*(hot.outputs for hot in self._hots))


def _names(
    template: Template, names: Names, mappings: Collection[str], ignored: Collection[str]
) -> Iterator[Flaw]:
    """What the text reads and is not given, and what it is given and does not read."""
    is_heat = template.handler == HEAT_WORKER
    given = set(split_values(dict.fromkeys(mappings))[1]) if is_heat else set(mappings)
    for name, line in names.lines.items():
        if name in given or name in names.optional:
            continue
        if name in mappings:
            hint = f"Heat has it: write get_param, or call it {JINJA_PREFIX}{name}"
            yield Flaw((), f"{name!r} is not given to the text", hint, value=name, line=line)
        else:
            what = f"no mapping gives {name!r}, so it renders as nothing"
            yield unknown((), what, name, given, line=line)
    for name in sorted(given.difference(names.lines, ignored)):
        yield _never_read(name)


def _never_read(name: str) -> Flaw:
    hint = f"leave it out, or say why: # {_NOTE} {name} - ..."
    what = f"the text never reads {name!r}"
    return Flaw(("parameter_mappings", name), what, hint, severity=Severity.WARNING)


def _meant_so(mappings: Collection[str], head: str) -> set[str]:
    """The parameters that need not be read."""
    noted = set(re.findall(rf"{re.escape(_NOTE)} (\S+)", head))
    waits = {name for name in mappings if name.startswith(_WAITS)}
    return {TIMEOUT_PARAMETER, *noted, *waits}


def _cannot_render(error: TemplateError, severity: Severity) -> Iterator[Flaw]:
    for found in error.findings:
        line = found.spot.line if found.spot is not None else 0
        yield Flaw(
            (), f"cannot be rendered: {found.what}", found.hint, severity=severity, line=line
        )
