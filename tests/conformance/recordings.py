"""Recorded traffic as tests use it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from esi_flows.catalog.types import HEAT_WORKER, Catalog, ResourceType, Template
from esi_flows.model import codec
from esi_flows.model.jobs import Job, ResourceRef
from esi_flows.model.results import HeatStack

MASKED = "***"
"""What the recording shows in place of a secret."""


def load(path: Path) -> Any:
    with gzip.open(path) as stream:
        return json.load(stream)


def reference(text: str) -> ResourceRef:
    return ResourceRef(*text.split(":", 1))


@lru_cache
def schemas(corpus: Path) -> dict[str, Any]:
    return json.loads((corpus / "schemas.json").read_text())


@lru_cache
def template_documents(corpus: Path, version: str) -> dict[str, Any]:
    return load(corpus / version / "heat_templates.json.gz")


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
    name: str
    document: Mapping[str, Any]

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
        for number, document in enumerate(load(path)["cases"]):
            name = f"{version}-{scenario}-{number}-{document['resource']}"
            yield Case(corpus, version, name, document)


class Recording:
    """One recorded session: what was written to etcd, sent to Heat and announced."""

    def __init__(self, corpus: Path, path: Path) -> None:
        self.version, self.scenario = path.parent.name, path.name.removesuffix(".json.gz")
        self.document = load(path)
        self._corpus = corpus

    @cached_property
    def catalog(self) -> Catalog:
        documents = template_documents(self._corpus, self.version)
        scenario = documents["by_scenario"].get(self.scenario, {})
        newest = {name: shas[-1] for name, shas in scenario.items() if shas}
        for event, key in self.written("/config/v2.0/heat_templates/"):
            newest[key.rpartition("/")[2]] = event["v"]["$tpl"]
        templates = [template(documents["by_sha"][sha]) for sha in newest.values()]
        mappings = {
            case.resource.type: case.document["template_mappings"]
            for case in cases(self._corpus)
            if (case.version, case.name.split("-")[1]) == (self.version, self.scenario)
            and "template_mappings" in case.document
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


def recordings(corpus: Path) -> Iterator[Recording]:
    for path in sorted(corpus.glob("*/*.json.gz")):
        if path.parent.name != "cases" and path.name != "heat_templates.json.gz":
            yield Recording(corpus, path)


def masked(value: Any, like: Any) -> Any:
    """``value`` with everything hidden that the recording hides."""
    if like == MASKED:
        return MASKED
    if isinstance(value, dict) and isinstance(like, dict):
        return {name: masked(element, like.get(name)) for name, element in value.items()}
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        return [masked(element, other) for element, other in zip(value, like, strict=True)]
    return value
