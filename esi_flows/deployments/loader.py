"""Reads a folder of intents: all of it, with everything that is wrong with it found at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esi_flows.catalog import formats, schema_check
from esi_flows.catalog.types import Catalog
from esi_flows.catalog.yaml_files import Document, file_finding, read_documents
from esi_flows.deployments.order import ordered
from esi_flows.deployments.types import Deployment, Step, Wanted
from esi_flows.model.errors import Finding, InvalidInput
from esi_flows.model.jobs import ResourceRef

_ID = re.compile(formats.ID_PATTERN)
_MEMBERS = tuple(formats.INTENT["properties"])


@dataclass(frozen=True, slots=True)
class ReadDeployment:
    """All of a deployment that could be read, and what is wrong with it.

    ``named`` are all resources that have a document, also those that cannot be used.
    """

    deployment: Deployment
    named: frozenset[ResourceRef]
    findings: tuple[Finding, ...]


def load_deployment(folder: Path, catalog: Catalog) -> Deployment:
    """The deployment in ``folder``: its YAML files are one step, or its sub-folders are steps.

    Raises InvalidInput with every finding: place, what is wrong, what would be right.
    """
    read = read_deployment(folder, catalog)
    if read.findings:
        raise InvalidInput(f"{folder} cannot be deployed", findings=read.findings)
    return read.deployment


def read_deployment(
    folder: Path, catalog: Catalog, *, unread_types: Collection[str] = ()
) -> ReadDeployment:
    """As much of a deployment as can be read, and everything that is wrong in it.

    Of ``unread_types`` nothing is known but that they exist: their resources are passed over.
    """
    findings: list[Finding] = []
    steps: list[Step] = []
    named: set[ResourceRef] = set()
    for name, files in _step_files(folder, findings):
        intents = []
        for document in (found for file in files for found in read_documents(file, findings)):
            kind, identifier = _names(document)
            if isinstance(kind, str) and isinstance(identifier, str):
                named.add(ResourceRef(kind, identifier))
            if not (isinstance(kind, str) and kind in unread_types):
                intents.append(_wanted(document, catalog, findings))
        known = _unique([wanted for wanted in intents if wanted is not None], findings)
        steps.append(Step(name, ordered(known, catalog, findings)))
    if not findings and not named:
        hint = "every YAML file in it is empty"
        findings.append(file_finding(str(folder), "holds no intent", hint))
    steps = [step for step in steps if step.intents]
    return ReadDeployment(
        Deployment(folder.resolve().name, tuple(steps)), frozenset(named), tuple(findings)
    )


def _names(document: Document) -> tuple[Any, Any]:
    """What a document says that it is about, whatever it says."""
    value = document.value if isinstance(document.value, dict) else {}
    return value.get("type"), value.get("id")


def _step_files(folder: Path, findings: list[Finding]) -> list[tuple[str, list[Path]]]:
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        findings.append(file_finding(str(folder), what, "give a folder with YAML files of intents"))
        return []
    try:
        files = list(_yaml_files(folder))
        folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        steps = [(sub.name, list(_yaml_files(sub))) for sub in folders]
        deep = [file for sub in folders for file in _yaml_files(sub, deeper=True)]
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        findings.append(file_finding(str(error.filename or folder), what))
        return []
    steps = [step for step in steps if step[1]]
    for file in deep:
        hint = "steps are folders with files, no more"
        findings.append(file_finding(str(file), "is too deep", hint))
    if files and steps:
        findings.append(
            file_finding(
                str(files[0]),
                f"is beside the folder of a step ({steps[0][0]})",
                "put every file into the folder of a step, or none",
            )
        )
        return []
    if not files and not steps and not deep:
        hint = "intents are in files ending in .yaml"
        findings.append(file_finding(str(folder), "has no YAML file in it", hint))
    return [(folder.resolve().name, files)] if files else steps


def _yaml_files(folder: Path, *, deeper: bool = False) -> Iterator[Path]:
    """YAML files directly in a folder, in name order; with ``deeper`` only those further down."""
    for path in sorted(folder.rglob("*") if deeper else folder.iterdir()):
        named = path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
        if named and not (deeper and path.parent == folder) and path.is_file():
            yield path


def _wanted(document: Document, catalog: Catalog, findings: list[Finding]) -> Wanted | None:
    """The intent in a document, or None with the reason among the findings."""
    value = document.value
    if not isinstance(value, dict):
        findings.append(document.finding((), "is not an object", "an intent has type, id and body"))
        return None
    before = len(findings)
    for name in value:
        if name not in _MEMBERS:
            hint = schema_check.did_you_mean(name, _MEMBERS)
            allowed = ", ".join(_MEMBERS)
            findings.append(
                document.finding([name], f"{name!r} is no member", hint, allowed=allowed)
            )
    _check_type(document, value, catalog, findings)
    _check_id(document, value, findings)
    body = value.get("body")
    if not isinstance(body, dict):
        what = "is not an object" if "body" in value else "is missing"
        findings.append(document.finding(["body"], f"member 'body' {what}"))
    if len(findings) > before or not isinstance(body, dict):
        return None
    return _with_body(document, ResourceRef(value["type"], value["id"]), body, catalog, findings)


def _with_body(
    document: Document,
    resource: ResourceRef,
    body: dict[str, Any],
    catalog: Catalog,
    findings: list[Finding],
) -> Wanted | None:
    body = {"id": resource.id, **body}
    if body["id"] != resource.id:
        findings.append(
            document.finding(
                ["body", "id"],
                f"{resource}: the id in the body is another one",
                "leave it out of the body",
                allowed=resource.id,
            )
        )
        return None
    for problem in schema_check.problems(catalog.types[resource.type], body):
        named = "".join(f"{part}." for part in problem.place)[:-1]
        before = f"{resource}: {named}: " if named else f"{resource}: "
        findings.append(problem.finding(document, before, inside=("body",)))
    # also where fields are wrong: its relations and its place in the order can be checked still
    return Wanted(resource, body, document.where(), document)


def _check_type(
    document: Document, value: dict[str, Any], catalog: Catalog, findings: list[Finding]
) -> None:
    kind = value.get("type")
    if not isinstance(kind, str):
        what = "is not a text" if "type" in value else "is missing"
        findings.append(document.finding(["type"], f"member 'type' {what}"))
    elif kind not in catalog.types:
        hint = schema_check.did_you_mean(kind, list(catalog.types))
        allowed = ", ".join(sorted(catalog.types))
        what = f"unknown type {kind!r}"
        findings.append(document.finding(["type"], what, hint, value=kind, allowed=allowed))


def _check_id(document: Document, value: dict[str, Any], findings: list[Finding]) -> None:
    identifier = value.get("id")
    if "id" not in value:
        findings.append(document.finding(["id"], "member 'id' is missing"))
    elif not isinstance(identifier, str):
        what = f"id {identifier!r} is not a text"
        findings.append(document.finding(["id"], what, "put it in quotes"))
    elif not _ID.fullmatch(identifier):
        hint = "letters, digits, '.', '_' and '-', starting with a letter or digit"
        what = f"id {identifier!r} is not usable in a key"
        findings.append(document.finding(["id"], what, hint, value=identifier))


def _unique(intents: Sequence[Wanted], findings: list[Finding]) -> list[Wanted]:
    """The intents without repeats of a resource, each repeat a finding."""
    first: dict[ResourceRef, Wanted] = {}
    for wanted in intents:
        known = first.setdefault(wanted.resource, wanted)
        if known is not wanted:
            findings.append(
                wanted.finding(
                    (),
                    f"{wanted.resource} is given twice in this step",
                    f"the first is {known.where}; another version belongs in a later step",
                )
            )
    return list(first.values())
