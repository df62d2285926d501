"""Reads a folder of intents: all of it, with everything that is wrong with it found at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from esi_flows.catalog import schema_check
from esi_flows.catalog.types import Catalog
from esi_flows.catalog.yaml_files import Document, read_documents
from esi_flows.deployments.order import ordered
from esi_flows.deployments.types import Deployment, Step, Wanted
from esi_flows.model.errors import Finding, InvalidInput
from esi_flows.model.jobs import ResourceRef

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MEMBERS = ("type", "id", "body")


def load_deployment(folder: Path, catalog: Catalog) -> Deployment:
    """The deployment in ``folder``: its YAML files are one step, or its sub-folders are steps.

    Raises InvalidInput with every finding: place, what is wrong, what would be right.
    """
    findings: list[Finding] = []
    steps: list[Step] = []
    for name, files in _step_files(folder, findings):
        intents = [
            wanted
            for file in files
            for document in read_documents(file, findings)
            if (wanted := _wanted(document, catalog, findings)) is not None
        ]
        steps.append(Step(name, ordered(_unique(intents, findings), catalog, findings)))
    if not findings and not any(step.intents for step in steps):
        findings.append(Finding(str(folder), "holds no intent", "every YAML file in it is empty"))
    if findings:
        raise InvalidInput(f"{folder} cannot be deployed", findings=findings)
    return Deployment(folder.resolve().name, tuple(step for step in steps if step.intents))


def _step_files(folder: Path, findings: list[Finding]) -> list[tuple[str, list[Path]]]:
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        findings.append(Finding(str(folder), what, "give a folder with YAML files of intents"))
        return []
    try:
        files = list(_yaml_files(folder))
        folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        steps = [(sub.name, list(_yaml_files(sub))) for sub in folders]
        deep = [file for sub in folders for file in _yaml_files(sub, deeper=True)]
    except OSError as error:
        findings.append(Finding(str(error.filename or folder), f"cannot be read: {error.strerror}"))
        return []
    steps = [step for step in steps if step[1]]
    for file in deep:
        findings.append(Finding(str(file), "is too deep", "steps are folders with files, no more"))
    if files and steps:
        findings.append(
            Finding(
                str(files[0]),
                f"is beside the folder of a step ({steps[0][0]})",
                "put every file into the folder of a step, or none",
            )
        )
        return []
    if not files and not steps and not deep:
        findings.append(
            Finding(str(folder), "has no YAML file in it", "intents are in files ending in .yaml")
        )
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
        findings.append(
            Finding(document.where(), "is not an object", "an intent has type, id and body")
        )
        return None
    before = len(findings)
    for name in value:
        if name not in _MEMBERS:
            hint = schema_check.did_you_mean(name, _MEMBERS)
            findings.append(Finding(document.where([name]), f"{name!r} is no member", hint))
    _check_type(document, value, catalog, findings)
    _check_id(document, value, findings)
    body = value.get("body")
    if not isinstance(body, dict):
        what = "is not an object" if "body" in value else "is missing"
        findings.append(Finding(document.where(["body"]), f"member 'body' {what}"))
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
            Finding(
                document.where(["body", "id"]),
                f"{resource}: the id in the body is another one",
                "leave it out of the body",
            )
        )
        return None
    for place, what, hint in schema_check.problems(catalog.types[resource.type], body):
        named = ".".join(str(part) for part in place)
        what = f"{resource}: {named}: {what}" if named else f"{resource}: {what}"
        findings.append(Finding(document.where(["body", *place]), what, hint))
    # also where fields are wrong: its relations and its place in the order can be checked still
    return Wanted(resource, body, document.where())


def _check_type(
    document: Document, value: dict[str, Any], catalog: Catalog, findings: list[Finding]
) -> None:
    kind = value.get("type")
    if not isinstance(kind, str):
        what = "is not a text" if "type" in value else "is missing"
        findings.append(Finding(document.where(["type"]), f"member 'type' {what}"))
    elif kind not in catalog.types:
        hint = schema_check.did_you_mean(kind, list(catalog.types))
        findings.append(Finding(document.where(["type"]), f"unknown type {kind!r}", hint))


def _check_id(document: Document, value: dict[str, Any], findings: list[Finding]) -> None:
    identifier = value.get("id")
    where = document.where(["id"])
    if "id" not in value:
        findings.append(Finding(where, "member 'id' is missing"))
    elif not isinstance(identifier, str):
        findings.append(Finding(where, f"id {identifier!r} is not a text", "put it in quotes"))
    elif not _ID.fullmatch(identifier):
        hint = "letters, digits, '.', '_' and '-', starting with a letter or digit"
        findings.append(Finding(where, f"id {identifier!r} is not usable in a key", hint))


def _unique(intents: Sequence[Wanted], findings: list[Finding]) -> list[Wanted]:
    """The intents without repeats of a resource, each repeat a finding."""
    first: dict[ResourceRef, Wanted] = {}
    for wanted in intents:
        known = first.setdefault(wanted.resource, wanted)
        if known is not wanted:
            findings.append(
                Finding(
                    wanted.where,
                    f"{wanted.resource} is given twice in this step",
                    f"the first is {known.where}; another version belongs in a later step",
                )
            )
    return list(first.values())
