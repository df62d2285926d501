"""Loading a catalog from a folder: ``<folder>/resources/<type>/``, or the resources folder itself.

Everything that is wrong is found in one go. What mappings and template texts say is not looked at
here; :func:`esi_flows.lint.check.check_catalog` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import jsonschema

from esi_flows.catalog import formats
from esi_flows.catalog.schema_check import did_you_mean, problems_with
from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.catalog.yaml_files import Document, file_finding, read_documents
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import Finding, InvalidInput
from esi_flows.model.secrets import Names

RESOURCE_FILE = "resource.yaml"
TEMPLATE_SUFFIX = ".template.yaml"

T = TypeVar("T", ResourceType, Template)


@dataclass(frozen=True, slots=True)
class ReadCatalog:
    """All of a catalog that could be read, where it was read from, and what is wrong with it.

    ``documents`` of types and templates by their names; ``texts`` are the files of the templates'
    texts. What is in ``unread_types`` and ``unread_templates`` is there, but cannot be used.
    """

    catalog: Catalog
    types: Mapping[str, Document]
    templates: Mapping[str, Document]
    texts: Mapping[str, Path]
    unread_types: frozenset[str]
    unread_templates: frozenset[str]
    findings: tuple[Finding, ...]


def load_catalog(folder: Path) -> Catalog:
    """The catalog in a folder. Raises InvalidInput with everything that is wrong in it."""
    read = read_catalog(folder)
    if read.findings:
        count = len(read.findings)
        raise InvalidInput(
            f"the catalog in {folder} cannot be used: {count} finding{'s' if count > 1 else ''}",
            findings=read.findings,
            hint="correct every finding, then try again",
        )
    return read.catalog


def read_catalog(folder: Path) -> ReadCatalog:
    """As much of the catalog in a folder as can be read, and everything that is wrong in it."""
    loading = _Loading()
    loading.folder(folder / "resources" if (folder / "resources").is_dir() else folder)
    return ReadCatalog(
        Catalog(
            [known for known, _ in loading.types.values()],
            [template for template, _ in loading.templates.values()],
        ),
        {name: document for name, (_, document) in loading.types.items()},
        {name: document for name, (_, document) in loading.templates.items()},
        loading.texts,
        frozenset(loading.seen_types - set(loading.types)),
        frozenset(loading.seen_templates - set(loading.templates)),
        tuple(loading.findings),
    )


@dataclass(slots=True)
class _Loading:
    """What has been read so far; each thing with the document it was read from."""

    types: dict[str, tuple[ResourceType, Document]] = field(default_factory=dict)
    templates: dict[str, tuple[Template, Document]] = field(default_factory=dict)
    texts: dict[str, Path] = field(default_factory=dict)
    seen_types: set[str] = field(default_factory=set)
    seen_templates: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def found(self, path: Path, what: str, hint: str = "") -> None:
        self.findings.append(file_finding(str(path), what, hint))

    def folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self.found(folder, "is no folder", "a folder with one folder per resource type")
            return
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
        if not folders:
            self.found(folder, "is empty", f"<type>/{RESOURCE_FILE} for each resource type")
        for path in folders:
            self.type_folder(path)
        self.check_collections()
        self.check_relations()

    def type_folder(self, folder: Path) -> None:
        if not (folder / RESOURCE_FILE).is_file():
            self.found(folder, f"has no {RESOURCE_FILE}", "every folder is a resource type")
        for path in sorted(folder.glob("*.yaml")):
            if path.name == RESOURCE_FILE:
                self.seen_types.add(folder.name)
                self.read(path, formats.RESOURCE, self.resource_type)
            elif path.name.endswith(TEMPLATE_SUFFIX):
                self.seen_templates.add(path.name.removesuffix(TEMPLATE_SUFFIX))
                self.read(path, formats.TEMPLATE, self.template)
            else:
                self.found(
                    path,
                    "is no file of a catalog",
                    f"{RESOURCE_FILE} or <template id>{TEMPLATE_SUFFIX}",
                )

    def read(self, path: Path, schema: JsonObject, use: Callable[[Path, Document], None]) -> None:
        before = len(self.findings)
        documents = read_documents(path, self.findings)
        if len(self.findings) > before:
            return
        if len(documents) != 1:
            self.found(path, f"has {len(documents)} documents", "exactly one")
            return
        [document] = documents
        for problem in problems_with(schema, document.value, Names()):
            self.findings.append(problem.finding(document, _dotted(problem.place)))
        if len(self.findings) == before:
            use(path, document)

    def resource_type(self, path: Path, document: Document) -> None:
        value = document.value
        schema = self.checked_schema(document, value.get("schema", {}))
        if value["type"] != path.parent.name:
            what = "type is not the name of the folder"
            name = path.parent.name
            finding = document.finding(("type",), what, f"the folder is {name}", allowed=name)
            self.findings.append(finding)
        known = ResourceType(
            type=value["type"],
            prefix=value["prefix"],
            plural=value["plural"],
            relations=value.get("relations", {}),
            template_mappings=value.get("template_mappings", {}),
            schema=schema,
            secrets=frozenset(value.get("secrets", ())),
            description=value.get("description", ""),
        )
        self.keep(self.types, known.type, known, document, "type")

    def template(self, path: Path, document: Document) -> None:
        value = document.value
        text_path = path.parent / value["template_file"]
        try:
            text = text_path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            what = f"{text_path.name} cannot be read: {reason}"
            self.findings.append(document.finding(("template_file",), what))
            return
        if path.name != value["id"] + TEMPLATE_SUFFIX:
            what = f"id is not the file's name without {TEMPLATE_SUFFIX}"
            allowed = path.name.removesuffix(TEMPLATE_SUFFIX)
            self.findings.append(document.finding(("id",), what, allowed=allowed))
        template = Template(
            id=value["id"],
            handler=value["handler"],
            parameter_mappings=value["parameter_mappings"],
            template_file=text,
            watch=tuple(value.get("watch", ())),
        )
        self.keep(self.templates, template.id, template, document, "id")
        self.texts.setdefault(template.id, text_path)

    def keep(
        self,
        known: dict[str, tuple[T, Document]],
        name: str,
        thing: T,
        document: Document,
        member: str,
    ) -> None:
        if name in known:
            first = known[name][1].where((member,))
            what = f"{member} {name!r} is taken"
            self.findings.append(document.finding((member,), what, f"see {first}", value=name))
        else:
            known[name] = (thing, document)

    def checked_schema(self, document: Document, schema: JsonObject) -> JsonObject:
        """The schema if it is one, else one that allows everything."""
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            place = ("schema", *error.absolute_path)
            what = f"schema is no JSON Schema: {error.message}"
            self.findings.append(document.finding(place, what))
            return {}
        return schema

    def check_collections(self) -> None:
        seen: dict[str, str] = {}
        for known, document in self.types.values():
            first = seen.setdefault(known.collection, known.type)
            if first != known.type:
                what = f"collection {known.collection!r} is already that of {first}"
                self.findings.append(document.finding(("plural",), what, value=known.plural))

    def check_relations(self) -> None:
        there = sorted(self.seen_types | set(self.types))
        for known, document in self.types.values():
            for name, target in known.relations.items():
                if target not in there:
                    finding = document.finding(
                        ("relations", name),
                        f"relations.{name}: there is no resource type {target!r}",
                        did_you_mean(target, there),
                        value=target,
                        allowed=", ".join(there),
                    )
                    self.findings.append(finding)


def _dotted(place: tuple[str | int, ...]) -> str:
    return ".".join(map(str, place)) + ": " if place else ""
