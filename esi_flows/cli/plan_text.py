"""A plan to read: a line for each change, what it means below it, the totals last."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from esi_flows.cli.screen import Screen, seconds
from esi_flows.cli.tree import shortened
from esi_flows.model.jobs import OnFailure
from esi_flows.planning.changes import CANNOT, NOTHING
from esi_flows.planning.document import totals
from esi_flows.planning.planner import AS_WANTED
from esi_flows.planning.types import (
    Change,
    Kind,
    ParameterChange,
    Plan,
    PlannedJob,
    PlannedStep,
    Reason,
    Rule,
    TemplateChange,
    Wait,
)

_SYMBOLS = {
    Kind.CREATE: ("+", "+", "green"),
    Kind.MODIFY: ("~", "~", "yellow"),
    Kind.DELETE: ("-", "-", "red"),
    Kind.NOTHING: ("·", ".", "bright_black"),
    Kind.REFUSED: ("!", "!", "bold red"),
}
_TOTALS = {
    Kind.CREATE: "to create",
    Kind.MODIFY: "to modify",
    Kind.DELETE: "to delete",
    Kind.NOTHING: "as they are",
    Kind.REFUSED: "refused",
}
_ALWAYS = (Kind.CREATE, Kind.MODIFY, Kind.DELETE)
_OUTPUT = re.compile(r"\w+:[0-9a-f-]{32,36}#")
_INDENT = 4
_MANY = 4
"""More names than this are counted instead, unless everything is to be shown."""


class PlanText:
    """Lines of a plan. ``full``: with all that is new, not only with what becomes different."""

    def __init__(self, screen: Screen, plan: Plan, *, full: bool) -> None:
        self._screen = screen
        self._plan = plan
        self._full = full
        names = [str(change.resource) for change in plan.changes()]
        # a name cut short must still be one resource's
        self._cut = len({shortened(name) for name in names}) == len(set(names)) and not full

    def lines(self) -> Iterator[Text]:
        """All of it."""
        for step in self._plan.steps:
            yield from self._step(step)
            yield Text()
        if self._plan.pending:
            names = [self._name(str(resource)) for resource in self._plan.pending]
            told = f"Also in the store and not begun: {self._some(names)}"
            yield from self._wrapped(told, indent=0)
            yield Text()
        yield Text(total_line(self._plan), style="bold")

    def _step(self, step: PlannedStep) -> Iterator[Text]:
        if step.name != self._plan.name or len(self._plan.steps) > 1:
            yield Text(f"Step {step.name}", style="bold")
        if step.blocked:
            yield from self._wrapped(f"is not reached: {self._name(step.blocked)}", indent=2)
        told = [c for c in step.changes if self._full or not _is_as_wanted(c)]
        folded = len(step.changes) - len(told)
        if folded:
            noun = "resource is" if folded == 1 else "resources are"
            yield Text.assemble(self._symbol(Kind.NOTHING), f" {folded} {noun} {AS_WANTED}")
        for change in told:
            yield from self._change(change)

    def _change(self, change: Change) -> Iterator[Text]:
        head = Text.assemble(
            self._symbol(change.kind), " ", (self._name(str(change.resource)), "bold")
        )
        head.append(f"  {_versions(change)}")
        if change.seconds is not None:
            head.append(f"  about {seconds(change.seconds)}", style="dim")
        yield head
        if self._full and change.where:
            yield from self._wrapped(f"from {change.where}")
        if change.note:
            yield from self._wrapped(self._name(change.note))
        if change.hint:
            yield from self._wrapped(f"next: {self._name(change.hint)}")
        yield from self._jobs(change)
        for wait in change.waits:
            yield from self._wrapped(self._wait(wait))
        if change.cancels:
            names = [self._name(group.rpartition(":")[0]) for group in change.cancels]
            yield from self._wrapped(f"its failure cancels {self._some(names)}")
        for job in change.jobs:
            yield from self._differences(change, job)

    def _jobs(self, change: Change) -> Iterator[Text]:
        width = max((len(job.name) for job in change.jobs), default=0)
        for job in change.jobs:
            yield from self._wrapped(f"{job.name:<{width}}  {_if_it_fails(job)}", hang=width + 2)

    def _wait(self, wait: Wait) -> str:
        owner, _, version = wait.group.rpartition(":")
        reasons = "; ".join(self._reason(reason) for reason in wait.reasons)
        return f"waits for {self._name(owner)} v{version} ({', '.join(wait.jobs)}): {reasons}"

    def _reason(self, reason: Reason) -> str:
        names = self._some(list(reason.parameters))
        if reason.rule is Rule.READS:
            return f"read for {names}"
        if reason.rule is Rule.READ_BY:
            return f"reads this one for {names}"
        return "another change of this one"

    def _differences(self, change: Change, job: PlannedJob) -> Iterator[Text]:
        """What a job gets that is different; of what is new only how much it is."""
        fresh = all(p.added for p in job.parameters) and change.kind is Kind.CREATE
        if self._full or not fresh:
            for parameter in job.parameters:
                yield from self._parameter(job, parameter)
        template = job.template
        if template is None:
            return
        if template.problem:
            what = f"{template.template or 'its template'} cannot be rendered before the run"
            yield from self._wrapped(f"{what}: {self._name(template.problem)}")
        elif self._full or not fresh:
            yield from self._template(template)

    def _parameter(self, job: PlannedJob, change: ParameterChange) -> Iterator[Text]:
        old, new = self._value(change.old), self._value(change.new)
        handler = job.handler
        if change.added:
            text, style = f"+ {handler} {change.name}: {new}", "green"
        elif change.removed:
            text, style = f"- {handler} {change.name}: {old}", "red"
        else:
            text, style = f"~ {handler} {change.name}: {old} -> {new}", "yellow"
        yield from self._wrapped(text, hang=2, style=style)

    def _template(self, change: TemplateChange) -> Iterator[Text]:
        if not change.difference:
            yield from self._wrapped(f"template {change.template}: as it was sent last")
            return
        names = self._some([self._name(name) for name in change.unknown])
        unknown = f", not known yet: {names}" if names else ""
        yield from self._wrapped(f"template {change.template}{unknown}")
        for line in change.difference:
            style = {"+": "green", "-": "red"}.get(line[:1], "dim")
            yield Text(f"{' ' * (_INDENT + 2)}{line}".rstrip(), style=style)

    def _value(self, value: Any) -> str:
        """A value as JSON. Only names of outputs are cut: other ids may differ at their ends."""
        text = json.dumps(value, ensure_ascii=self._screen.ascii, sort_keys=True)
        return _OUTPUT.sub(lambda found: self._name(found[0]), text)

    def _name(self, text: str) -> str:
        return shortened(text) if self._cut else text

    def _some(self, names: Sequence[str]) -> str:
        if self._full or len(names) <= _MANY:
            return ", ".join(names)
        return f"{', '.join(names[: _MANY - 1])} and {len(names) - _MANY + 1} more"

    def _symbol(self, kind: Kind) -> Text:
        symbol, plain, style = _SYMBOLS[kind]
        return Text(plain if self._screen.ascii else symbol, style=style)

    def _wrapped(
        self, text: str, *, indent: int = _INDENT, hang: int = 2, style: str = ""
    ) -> Iterator[Text]:
        """The text in lines of a terminal's width; in one line where there is no terminal."""
        if not self._screen.console.is_terminal:
            yield Text(" " * indent + text.rstrip(), style=style)
            return
        for line in textwrap.wrap(
            text,
            max(self._screen.console.width, 40),
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_on_hyphens=False,
        ):
            yield Text(line, style=style)


def _is_as_wanted(change: Change) -> bool:
    return change.kind is Kind.NOTHING and change.note == AS_WANTED


def _versions(change: Change) -> str:
    if change.previous and change.previous != change.version:
        return f"v{change.previous} -> v{change.version}"
    return f"v{change.version}"


def _if_it_fails(job: PlannedJob) -> str:
    if job.on_failure is OnFailure.IGNORE:
        return "if it fails: the others go on"
    undone = [undo.how for undo in job.reverts if undo.how not in (NOTHING, CANNOT)]
    return f"if it fails: {', '.join(undone) or NOTHING}"


def total_line(plan: Plan) -> str:
    """``Plan: 25 to create, 2 to modify, 0 to delete; 47 jobs in 24 groups, about 41s``."""
    counts: Mapping[str, Any] = totals(plan)
    parts = [
        f"{counts[kind.value]} {words}"
        for kind, words in _TOTALS.items()
        if kind in _ALWAYS or counts[kind.value]
    ]
    text = f"Plan: {', '.join(parts)}"
    if not counts["groups"]:
        return text
    took = "time unknown" if counts["seconds"] is None else f"about {seconds(counts['seconds'])}"
    jobs = "1 job" if counts["jobs"] == 1 else f"{counts['jobs']} jobs"
    groups = "1 group" if counts["groups"] == 1 else f"{counts['groups']} groups"
    return f"{text}; {jobs} in {groups}, {took}"
