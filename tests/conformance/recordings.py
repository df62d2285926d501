"""Recorded traffic as tests use it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from esi_flows.catalog.types import HEAT_WORKER, Catalog, ResourceType, Template
from esi_flows.model import codec
from esi_flows.model.jobs import Job, ResourceRef
from esi_flows.model.results import HeatStack

T = TypeVar("T")

MASKED = "***"
"""What the recording shows in place of a secret."""


def load(path: Path) -> Any:
    with gzip.open(path) as stream:
        return json.load(stream)


def reference(text: str) -> ResourceRef:
    return ResourceRef(*text.split(":", 1))


@lru_cache(maxsize=8)
def _cases_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(path)["cases"]
    return found


@lru_cache
def schemas(corpus: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((corpus / "schemas.json").read_text())
    return found


@lru_cache
def template_documents(corpus: Path, version: str) -> dict[str, Any]:
    found: dict[str, Any] = load(corpus / version / "heat_templates.json.gz")
    return found


def template(document: Mapping[str, Any]) -> Template:
    return Template(
        id=document["id"],
        handler=document["handler"],
        parameter_mappings=document["parameter_mappings"],
        template_file=document["template_file"],
        watch=tuple(document["watch"]),
    )


def catalog(
    corpus: Path,
    templates: Sequence[Template],
    mappings: Mapping[str, Mapping[str, Any]],
) -> Catalog:
    """The recorded resource types. ``mappings``: template choices by type, for those known."""
    recorded = schemas(corpus)
    heat = recorded["template_mappings"][HEAT_WORKER]
    return Catalog(
        [
            ResourceType(
                type=name,
                prefix=schema["prefix"].removesuffix(f"/{schema['plural']}"),
                plural=schema["plural"],
                relations=recorded["relations"].get(name, {}),
                template_mappings=mappings.get(
                    name, {HEAT_WORKER: heat[name]} if name in heat else {}
                ),
            )
            for name, schema in recorded["schemas"].items()
        ],
        templates,
    )


@dataclass(frozen=True)
class Case:
    """One change of a configuration, with what it was compiled to."""

    corpus: Path
    version: str
    scenario: str
    number: int
    document: Mapping[str, Any]

    @property
    def recording(self) -> tuple[str, str]:
        """Version and scenario."""
        return self.version, self.scenario

    def __str__(self) -> str:
        return f"{self.version}-{self.scenario}-{self.number}-{self.document['resource']}"

    @cached_property
    def resource(self) -> ResourceRef:
        return reference(self.document["resource"])

    @cached_property
    def catalog(self) -> Catalog:
        documents = template_documents(self.corpus, self.version)["by_sha"]
        templates = [
            template(documents[sha]) for sha in self.document.get("templates", {}).values()
        ]
        mappings = self.document.get("template_mappings")
        known = {} if mappings is None else {self.resource.type: mappings}
        return catalog(self.corpus, templates, known)


def cases(corpus: Path) -> Iterator[Case]:
    for path in sorted((corpus / "cases").glob("*/*.json.gz")):
        version, scenario = path.parent.name, path.name.removesuffix(".json.gz")
        for number, document in enumerate(_cases_of(path)):
            yield Case(corpus, version, scenario, number, document)


class Recording:
    """One recorded session: what was written to etcd, sent to Heat and announced."""

    def __init__(self, corpus: Path, path: Path) -> None:
        self.version, self.scenario = path.parent.name, path.name.removesuffix(".json.gz")
        self.document = load(path)
        self.is_complete: bool = self.document["complete"]
        self._corpus = corpus

    def __str__(self) -> str:
        return f"{self.version}-{self.scenario}"

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """Everything that was written, in order, template documents in full."""
        return [{**event, "v": self._in_full(event["v"])} for event in self.document["events"]]

    @cached_property
    def cases(self) -> list[Case]:
        """The changes of configurations in this session."""
        of_this = (self.version, self.scenario)
        return [case for case in cases(self._corpus) if case.recording == of_this]

    @cached_property
    def final_store(self) -> dict[str, Any]:
        """What was in the store at the end."""
        return {
            key: self.events_by_position[value["$ev"]]["v"]
            if isinstance(value, dict) and "$ev" in value
            else self._in_full(value)
            for key, value in (self.document["final_store"] or {}).items()
        }

    @cached_property
    def events_by_position(self) -> dict[int, dict[str, Any]]:
        return {event["i"]: event for event in self.events}

    def _in_full(self, document: Any) -> Any:
        if not isinstance(document, dict) or "$tpl" not in document:
            return document
        texts = template_documents(self._corpus, self.version)["by_sha"]
        envelope = {name: value for name, value in document.items() if name != "$tpl"}
        return {**envelope, "body": texts[document["$tpl"]]}

    @cached_property
    def catalog(self) -> Catalog:
        documents = template_documents(self._corpus, self.version)
        scenario = documents["by_scenario"].get(self.scenario, {})
        newest = {name: documents["by_sha"][shas[-1]] for name, shas in scenario.items() if shas}
        for event, key in self.written("/config/v2.0/heat_templates/"):
            newest[key.rpartition("/")[2]] = self._in_full(event["v"])["body"]
        templates = [template(document) for document in newest.values()]
        mappings = {
            case.resource.type: case.document["template_mappings"]
            for case in self.cases
            if "template_mappings" in case.document
        }
        return catalog(self._corpus, templates, mappings)

    def written(self, root: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The documents written below ``root`` with their keys, in order."""
        for event in self.document["events"]:
            if event["k"].startswith(root) and event["v"] is not None:
                yield event, event["k"]

    @cached_property
    def jobs(self) -> dict[str, Job]:
        found = (Job.decode(key, codec.dumps(e["v"])) for e, key in self.written("/jobs/all/"))
        return {job.id: job for job in found}

    @cached_property
    def posted_at(self) -> dict[str, int]:
        """When each job came into the queue."""
        return {key.removeprefix("/jobs/all/"): e["i"] for e, key in self.written("/jobs/all/")}

    @cached_property
    def removed_at(self) -> dict[str, int]:
        """When each job left the queue, of those that did."""
        return {
            event["k"].removeprefix("/jobs/all/"): event["i"]
            for event in self.document["events"]
            if event["k"].startswith("/jobs/all/") and event["v"] is None
        }

    def first(self, key: str, version: int, default: T) -> int | T:
        """When a version of a document was first written."""
        return self._first.get((key, version), default)

    @cached_property
    def _first(self) -> dict[tuple[str, int], int]:
        found: dict[tuple[str, int], int] = {}
        for root in ("/config/", "/state/"):
            for event, key in self.written(root):
                found.setdefault((key, event["v"]["version"]), event["i"])
        return found

    @cached_property
    def _stacks(self) -> list[tuple[str, HeatStack]]:
        return [
            (event["t"], HeatStack.decode(key, codec.dumps(event["v"])))
            for event, key in self.written("/esi-worker/heat_stacks/")
        ]

    def outputs(self, resource: ResourceRef, time: str) -> Mapping[str, Any] | None:
        """The outputs of a resource's stack as they were recorded at a time.

        Two logs may differ by some milliseconds: rather the first that came later than none.
        """
        known = [(at, stack) for at, stack in self._stacks if stack.id == str(resource)]
        before = [stack for at, stack in known if at <= time]
        if before:
            return before[-1].outputs()
        return known[0][1].outputs() if known else None


@lru_cache
def recordings(corpus: Path) -> tuple[Recording, ...]:
    return tuple(
        Recording(corpus, path)
        for path in sorted(corpus.glob("*/*.json.gz"))
        if path.parent.name != "cases" and path.name != "heat_templates.json.gz"
    )


def masked(value: Any, like: Any) -> Any:
    """``value`` with everything hidden that the recording hides."""
    if like == MASKED:
        return MASKED
    if isinstance(value, dict) and isinstance(like, dict):
        return {name: masked(element, like.get(name)) for name, element in value.items()}
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        return [masked(element, other) for element, other in zip(value, like, strict=True)]
    return value
