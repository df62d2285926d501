"""Plans kept in files: written, read, and compared with what has become of the store since."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esi_flows.catalog.digest import catalog_digest
from esi_flows.catalog.types import Catalog
from esi_flows.deployments.decide import same
from esi_flows.deployments.types import Deployment, Step, Wanted
from esi_flows.model import codec, keys
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import DocumentInvalid, Finding, InvalidInput
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.planning.document import plan_document
from esi_flows.planning.types import Plan
from esi_flows.store.base import ReadStore

KIND = "esi-flows plan"
FORMAT = 1
MANY = 32
"""From so many keys of one folder on, the whole folder is read at once."""

_ROOTS = (keys.CONFIG, keys.MEMO, keys.STATE, keys.HEAT_STACKS, keys.STACKS)
_AGAIN = "plan again, and have that plan reviewed"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan read from a file. ``versions``: the lowest that it writes of each resource."""

    file: str
    deployment: Deployment
    catalog: str
    rests_on: Mapping[str, int]
    versions: Mapping[ResourceRef, int]

    def check(self, store: ReadStore, catalog: Catalog) -> None:
        """Raises InvalidInput where anything it rests on has changed since, naming what.

        What the plan itself has written, and what came of that, is no such change: a run of it that
        was interrupted goes on.
        """
        findings = []
        if catalog_digest(catalog) != self.catalog:
            findings.append(Finding("the catalog", "has changed since"))
        begun = set(self._begun(store, catalog))
        now = _modified(store, self.rests_on)
        for key, then in self.rests_on.items():
            if now[key] != then and _resource(key, catalog) not in begun:
                findings.append(Finding(key, _what(then, now[key])))
        if findings:
            raise InvalidInput(f"{self.file} is stale", findings=findings, hint=_AGAIN)

    def _begun(self, store: ReadStore, catalog: Catalog) -> Iterator[ResourceRef]:
        """Resources that have an intent as this plan writes it."""
        bodies: dict[ResourceRef, list[JsonObject]] = defaultdict(list)
        for wanted in self.deployment.intents():
            bodies[wanted.resource].append(wanted.body)
        for resource, version in self.versions.items():
            key = _config_key(resource, catalog)
            found = store.get(key) if key else None
            if found is None or found.mod_revision == self.rests_on.get(found.key):
                continue
            with suppress(DocumentInvalid):
                intent = Intent.decode(found.key, found.value)
                planned = any(same(body, intent.body) for body in bodies[resource])
                if planned and intent.version >= version and not intent.marked_for_deletion:
                    yield resource


def save(plan: Plan, file: Path) -> None:
    """Write a plan of a deployment, readable by its owner only: its intents may hold secrets.

    Raises InvalidInput where it cannot be applied, or the file not be written.
    """
    if plan.deployment is None:
        raise InvalidInput("only the plan of a folder can be saved", hint="give DIR, not REF")
    if plan.refused:
        raise InvalidInput("a plan with intents that are refused is not saved")
    document = _document(plan, plan.deployment)
    document["digest"] = _digest(document)
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(codec.dumps(document) + b"\n")
        Path(name).replace(file)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from error


def load(file: Path) -> SavedPlan:
    """Read a saved plan. Raises InvalidInput where there is none in it, or it is damaged."""
    return _read(str(file), _load(file))


def load_document(file: Path) -> JsonObject:
    """The document of a saved plan, as it was shown. Raises InvalidInput as :func:`load`."""
    return codec.member(str(file), _load(file), "plan", dict)


def _load(file: Path) -> JsonObject:
    try:
        document = codec.loads_object(str(file), file.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    if document.get("kind") != KIND or document.get("format") != FORMAT:
        raise InvalidInput(f"{file} is no saved plan", hint="esi-flows plan DIR --out FILE")
    if document.get("digest") != _digest(document):
        raise InvalidInput(f"{file} is damaged: its digest is another one", hint=_AGAIN)
    return document


def _document(plan: Plan, deployment: Deployment) -> dict[str, Any]:
    return {
        "kind": KIND,
        "format": FORMAT,
        "deployment": {
            "name": deployment.name,
            "steps": [
                {"name": step.name, "intents": [_wanted_document(w) for w in step.intents]}
                for step in deployment.steps
            ],
        },
        "catalog": plan.catalog,
        "rests_on": dict(plan.rests_on),
        "writes": [
            {"type": change.resource.type, "id": change.resource.id, "version": change.version}
            for change in plan.changes()
            if change.writes
        ],
        "plan": plan_document(plan),
    }


def _digest(document: JsonObject) -> str:
    rest = {name: value for name, value in document.items() if name != "digest"}
    return hashlib.sha256(codec.dumps(rest)).hexdigest()


def _wanted_document(wanted: Wanted) -> dict[str, Any]:
    return {
        "type": wanted.resource.type,
        "id": wanted.resource.id,
        "body": dict(wanted.body),
        "where": wanted.where,
    }


def _read(file: str, document: JsonObject) -> SavedPlan:
    deployment = codec.member(file, document, "deployment", dict)
    versions: dict[ResourceRef, int] = {}
    for entry in codec.member(file, document, "writes", list):
        versions.setdefault(_ref(file, entry), codec.member(file, entry, "version", int))
    return SavedPlan(
        file=file,
        deployment=Deployment(
            codec.member(file, deployment, "name", str),
            tuple(_step(file, step) for step in codec.member(file, deployment, "steps", list)),
        ),
        catalog=codec.member(file, document, "catalog", str),
        rests_on=codec.member(file, document, "rests_on", dict),
        versions=versions,
    )


def _step(file: str, document: Any) -> Step:
    step = codec.require_object(file, "a step", document)
    intents = codec.member(file, step, "intents", list)
    return Step(
        codec.member(file, step, "name", str),
        tuple(
            Wanted(
                _ref(file, entry),
                codec.member(file, entry, "body", dict),
                codec.member(file, entry, "where", str),
            )
            for entry in intents
        ),
    )


def _ref(file: str, document: Any) -> ResourceRef:
    entry = codec.require_object(file, "an intent", document)
    return ResourceRef(codec.member(file, entry, "type", str), codec.member(file, entry, "id", str))


def _modified(store: ReadStore, wanted: Iterable[str]) -> dict[str, int]:
    """When each key was last written, 0 where it does not exist."""
    folders: dict[str, list[str]] = defaultdict(list)
    for key in wanted:
        folders[key.rpartition("/")[0]].append(key)
    modified: dict[str, int] = {}
    for folder, members in folders.items():
        modified.update(dict.fromkeys(members, 0))
        if len(members) >= MANY:
            items = store.range(f"{folder}/").items
        else:
            items = tuple(item for key in members if (item := store.get(key)) is not None)
        modified.update((item.key, item.mod_revision) for item in items)
    return modified


def _resource(key: str, catalog: Catalog) -> ResourceRef | None:
    """The resource that a document is about."""
    if key.startswith(keys.QUARANTINE):
        key = keys.quarantined(key)
    for root in _ROOTS:
        path = keys.parse_resource(key, root)
        if path is not None:
            return catalog.resource(path)
    return None


def _config_key(resource: ResourceRef, catalog: Catalog) -> str:
    """The key of its intent, empty where the catalog does not know its type any more."""
    return keys.config(catalog.path(resource)) if resource.type in catalog.types else ""


def _what(then: int, now: int) -> str:
    if then == 0:
        return f"has appeared since (revision {now})"
    if now == 0:
        return "is gone since"
    return f"has changed since (from revision {then} to {now})"
