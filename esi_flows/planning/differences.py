"""Which parameters of a job change, and what that makes of the text that is sent to Heat."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from esi_flows.catalog.types import HEAT_WORKER, Catalog
from esi_flows.compiler import templates
from esi_flows.compiler.compiled import compiled
from esi_flows.compiler.configuration import Configuration
from esi_flows.compiler.parameters import parameters, resolve
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput, MappingError, TemplateError
from esi_flows.model.intents import Memo
from esi_flows.model.jobs import Action, Job, Parameter, ResourceRef
from esi_flows.model.results import HeatStack
from esi_flows.planning.outlook import Outlook
from esi_flows.planning.snapshot import Snapshot
from esi_flows.planning.types import ParameterChange, TemplateChange


def output_name(resource: ResourceRef, key: str) -> str:
    """How an output is shown that is looked up when the job runs: ``network:7abe#id``."""
    return f"{resource}#{key}"


def shown(parameter: Parameter) -> Any:
    """The value of a parameter, with names in the place of outputs."""
    if parameter.type == "list":
        return [shown(element) for element in parameter.value]
    if parameter.type == "output_key":
        wanted = parameter.value
        resource = ResourceRef(wanted["resource_type"], wanted["resource_id"])
        return output_name(resource, wanted["output_key"])
    return parameter.value


def parameter_changes(
    job: Job, before: Memo | None, *, outlook: Outlook, catalog: Catalog
) -> tuple[ParameterChange, ...]:
    """The parameters of a job that differ from those of the configuration accepted before.

    Where there was none, or its handler had no part in it, all are new. A job that ends something
    has none to show.
    """
    if job.action in (Action.DELETE, Action.LOGICAL_DELETE):
        return ()
    new = {parameter.param: shown(parameter) for parameter in job.params}
    old = {} if before is None or before.deleted else _before(job, before, outlook, catalog)
    return tuple(_changes(old, new))


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[ParameterChange]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield ParameterChange(name, new=new[name], added=True)
        elif name not in new:
            yield ParameterChange(name, old=old[name], removed=True)
        elif codec.dumps(old[name]) != codec.dumps(new[name]):
            yield ParameterChange(name, old=old[name], new=new[name])


def _before(job: Job, before: Memo, outlook: Outlook, catalog: Catalog) -> dict[str, Any]:
    """The parameters that the old configuration has with the documents as they are now."""
    old = Configuration(job.resource, before.body, before.version)
    try:
        template = compiled(catalog).choose(job.handler, old, documents=outlook)
    except MappingError:
        return {}
    if template is None:
        return {}
    params = parameters(template, old, documents=outlook, catalog=catalog, lenient=True)
    return {parameter.param: shown(parameter) for parameter in params}


class Stacks:
    """What was sent to Heat for each resource, and what will have been."""

    def __init__(self, snapshot: Snapshot, outlook: Outlook, catalog: Catalog) -> None:
        self._snapshot = snapshot
        self._outlook = outlook
        self._catalog = catalog
        self._sent: dict[ResourceRef, str | None] = {}
        self._lines: dict[str, str] = {}  # most lines are in every text of a template: kept once

    def undoing(self, resource: ResourceRef) -> str:
        """What reverting the next job that sends something means for the stack, in words."""
        if self.sent(resource) is not None:
            return "update the stack back"
        if self.outputs(resource) is not None:
            return "leave the stack as it is, since what it was before is not recorded"
        return "delete the stack"

    def sent(self, resource: ResourceRef) -> str | None:
        """The text that was sent last, None where there is none."""
        if resource not in self._sent:
            key = keys.stack_record(self._catalog.path(resource))
            self._outlook.rests_on.add(key)
            found = self._snapshot.get(key)
            self._sent[resource] = _template_text(key, found.value) if found is not None else None
        return self._sent[resource]

    def send(self, job: Job) -> TemplateChange | None:
        """What a job sends, compared with what was sent before; None where it sends nothing."""
        if job.handler != HEAT_WORKER:
            return None
        before = self.sent(job.resource) or ""
        if job.action in (Action.DELETE, Action.LOGICAL_DELETE):
            self._sent[job.resource] = None
            return None
        outputs = _Outputs(self)
        name = ""
        try:
            template = templates.template_of(job, self._catalog)
            if template is None:
                raise TemplateError("the catalog has no template for it")
            name = template.id
            values = resolve(job.params, outputs.of)
            text = templates.render_heat(template, values).template
        except InvalidInput as error:
            self._sent[job.resource] = before  # something is sent, we cannot tell what
            return TemplateChange(name, unknown=tuple(outputs.unknown), problem=error.message)
        self._sent[job.resource] = text
        unknown = tuple(name for name in outputs.unknown if name in text)
        difference = tuple(self._lines.setdefault(line, line) for line in _difference(before, text))
        return TemplateChange(name, difference, unknown)

    def outputs(self, resource: ResourceRef) -> Mapping[str, Any] | None:
        """The outputs that are recorded; None where no stack is."""
        try:
            key = keys.heat_stack(self._catalog.path(resource))
        except InvalidInput:
            return None
        self._outlook.rests_on.add(key)
        found = self._snapshot.get(key)
        try:
            stack = HeatStack.decode(key, found.value) if found is not None else None
        except DocumentInvalid:
            return None
        return stack.outputs() if stack is not None and stack.name else None

    def comes(self, resource: ResourceRef) -> bool:
        """Whether a stack of the resource is made, or changed, before anything here needs it."""
        return resource in self._sent or self._outlook.is_at_work(resource)


class _Outputs:
    """Outputs for rendering: recorded ones, and names in the place of those still to come."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self.unknown: dict[str, None] = {}

    def of(self, resource: ResourceRef) -> Mapping[str, Any] | None:
        recorded = self._stacks.outputs(resource)
        if self._stacks.comes(resource):
            return _Coming(resource, recorded, self.unknown)
        return recorded


class _Coming(dict[str, Any]):
    """The outputs of a stack that is made or changed before: any may come."""

    def __init__(
        self, resource: ResourceRef, recorded: Mapping[str, Any] | None, unknown: dict[str, None]
    ) -> None:
        super().__init__(recorded or {})
        self._resource = resource
        self._unknown = unknown

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        name = output_name(self._resource, key)
        self._unknown[name] = None
        return name


def _template_text(key: str, raw: bytes) -> str:
    text = codec.loads_object(key, raw).get("template")
    return text if isinstance(text, str) else ""


def _difference(before: str, after: str) -> Iterator[str]:
    old, new = before.splitlines(), after.splitlines()
    if not old:
        yield from (f"+{line}" for line in new)
        return
    lines = difflib.unified_diff(old, new, "sent last", "to be sent", lineterm="")
    yield from lines
