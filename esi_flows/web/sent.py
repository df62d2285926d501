"""What a group's jobs are given, and what was sent to Heat: compared, and without secrets."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from esi_flows.catalog.types import HEAT_WORKER, Catalog
from esi_flows.compiler.parameters import resolve
from esi_flows.compiler.templates import render_heat, template_of
from esi_flows.model import codec, keys
from esi_flows.model.errors import Compacted, DocumentInvalid, InvalidInput
from esi_flows.model.jobs import Job, ResourceRef
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import HeatStack
from esi_flows.model.secrets import MASK
from esi_flows.planning.differences import shown
from esi_flows.planning.redact import Redactor, secret_names
from esi_flows.store.base import KeyValue, ReadStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Parameters by name and a text, with what is different from the one before.

    ``problem`` says why there is none. Secrets are masked in all of it.
    """

    title: str
    parameters: Mapping[str, str]
    text: str = ""
    difference: Sequence[str] = ()
    problem: str = ""
    before: str = ""
    """What ``difference`` compares with; empty where nothing came before."""


class Sender:
    """Reads what one resource has been and will be sent; it asks the store for nothing else."""

    def __init__(self, store: ReadStore, catalog: Catalog, resource: ResourceRef) -> None:
        self._store = store
        self._catalog = catalog
        self._path: ResourcePath = catalog.path(resource)
        self._names = secret_names(catalog)

    def last(self) -> Sent | None:
        """What was sent last, compared with what etcd still has of what was sent before that.

        None where nothing is recorded. Raises StoreUnavailable.
        """
        found = self._store.get(keys.stack_record(self._path))
        if found is None:
            return None
        now, before = _request(found), self._before(found)
        text, old = _text(now), _text(before)
        redactor = self._redactor([now, before])
        return Sent(
            title="Sent to Heat last",
            parameters=self._shown(now.get("parameters"), redactor),
            text=redactor.text(text),
            difference=_difference(redactor.text(old), redactor.text(text)) if before else (),
            before="the version sent before" if before else "",
        )

    def next(self, job: Job) -> Sent:
        """What an unfinished job is given, and what it will send. Raises StoreUnavailable."""
        recorded = self._store.get(keys.stack_record(self._path))
        before = _request(recorded) if recorded is not None else {}
        redactor = self._redactor([job.resource_input, before])
        parameters = self._shown({p.param: shown(p) for p in job.params}, redactor)
        title = f"{job.action.value}:{job.handler}"
        if job.handler != HEAT_WORKER or not job.params:
            return Sent(title=title, parameters=parameters)
        try:
            template = template_of(job, self._catalog)
            if template is None:
                raise InvalidInput("the catalog has no template for it")
            request = render_heat(template, resolve(job.params, self._outputs))
        except InvalidInput as error:
            problem = redactor.text(error.message)
            return Sent(title=title, parameters=parameters, problem=problem)
        text, old = redactor.text(request.template), redactor.text(_text(before))
        return Sent(
            title=title,
            parameters=parameters,
            text=text,
            difference=_difference(old, text) if old else (),
            before="what was sent last" if old else "",
        )

    def _outputs(self, resource: ResourceRef) -> Mapping[str, Any] | None:
        found = self._store.get(keys.heat_stack(self._catalog.path(resource)))
        if found is None:
            return None
        stack = HeatStack.decode(found.key, found.value)
        return stack.outputs() if stack.name else None

    def _before(self, found: KeyValue) -> Mapping[str, Any]:
        """The request before that one: etcd keeps old revisions until they are compacted."""
        if found.mod_revision == found.create_revision:
            return {}
        try:
            before = self._store.get(found.key, revision=found.mod_revision - 1)
        except Compacted:
            return {}
        return _request(before) if before is not None else {}

    def _redactor(self, documents: Iterable[Mapping[str, Any]]) -> Redactor:
        stored = [self._store.get(key(self._path)) for key in (keys.config, keys.memo)]
        bodies = [_document(item).get("body") or {} for item in stored if item is not None]
        return Redactor(self._names, [*bodies, *documents])

    def _shown(self, parameters: Any, redactor: Redactor) -> dict[str, str]:
        if not isinstance(parameters, Mapping):
            return {}
        masked = self._names.mask(dict(parameters))
        return {name: _plain(value, redactor) for name, value in sorted(masked.items())}


def _plain(value: Any, redactor: Redactor) -> str:
    if value == MASK:
        return MASK
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
    return redactor.text(text)


def _document(item: KeyValue) -> Mapping[str, Any]:
    try:
        return codec.loads_object(item.key, item.value)
    except DocumentInvalid:
        return {}


_request = _document


def _text(request: Mapping[str, Any]) -> str:
    return str(request.get("template") or "")


def _difference(old: str, new: str) -> list[str]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "before", "now", lineterm="")
    return list(lines)[2:]
