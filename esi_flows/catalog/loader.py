"""Loading a catalog from a folder: ``<folder>/resources/<type>/``, or the resources folder itself.

Everything that is wrong is found in one go. What mappings and template texts say is not looked at
here; :func:`esi_flows.compiler.check.check_catalog` does that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import jsonschema

from esi_flows.catalog import formats
from esi_flows.catalog.schema_check import did_you_mean, problems_with
from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.catalog.yaml_files import Document, read_documents
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import Finding, InvalidInput
from esi_flows.model.secrets import Names

RESOURCE_FILE = "resource.yaml"
TEMPLATE_SUFFIX = ".template.yaml"

T = TypeVar("T", ResourceType, Template)


def load_catalog(folder: Path) -> Catalog:
    """The catalog in a folder. Raises InvalidInput with everything that is wrong in it."""
    loading = _Loading()
    loading.folder(folder / "resources" if (folder / "resources").is_dir() else folder)
    if loading.findings:
        count = len(loading.findings)
        raise InvalidInput(
            f"the catalog in {folder} cannot be used: {count} finding{'s' if count > 1 else ''}",
            findings=loading.findings,
            hint="correct every finding, then try again",
        )
    return Catalog(
        [known for known, _ in loading.types.values()],
        [template for template, _ in loading.templates.values()],
    )


@dataclass(slots=True)
class _Loading:
    """What has been read so far; each thing with the document it was read from."""

    types: dict[str, tuple[ResourceType, Document]] = field(default_factory=dict)
    templates: dict[str, tuple[Template, Document]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def found(self, where: str, what: str, hint: str = "") -> None:
        self.findings.append(Finding(where, what, hint))

    def folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self.found(str(folder), "is no folder", "a folder with one folder per resource type")
            return
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
        if not folders:
            self.found(str(folder), "is empty", f"<type>/{RESOURCE_FILE} for each resource type")
        for path in folders:
            self.type_folder(path)
        self.check_collections()
        self.check_relations()

    def type_folder(self, folder: Path) -> None:
        if not (folder / RESOURCE_FILE).is_file():
            self.found(str(folder), f"has no {RESOURCE_FILE}", "every folder is a resource type")
        for path in sorted(folder.glob("*.yaml")):
            if path.name == RESOURCE_FILE:
                self.read(path, formats.RESOURCE, self.resource_type)
            elif path.name.endswith(TEMPLATE_SUFFIX):
                self.read(path, formats.TEMPLATE, self.template)
            else:
                self.found(
                    str(path),
                    "is no file of a catalog",
                    f"{RESOURCE_FILE} or <template id>{TEMPLATE_SUFFIX}",
                )

    def read(self, path: Path, schema: JsonObject, use: Callable[[Path, Document], None]) -> None:
        before = len(self.findings)
        documents = read_documents(path, self.findings)
        if len(self.findings) > before:
            return
        if len(documents) != 1:
            self.found(str(path), f"has {len(documents)} documents", "exactly one")
            return
        [document] = documents
        for place, what, hint in problems_with(schema, document.value, Names()):
            self.found(document.where(place), f"{_dotted(place)}{what}", hint)
        if len(self.findings) == before:
            use(path, document)

    def resource_type(self, path: Path, document: Document) -> None:
        value = document.value
        self.check_schema(document, value.get("schema", {}))
        if value["type"] != path.parent.name:
            self.found(document.where(("type",)), "type is not the name of the folder")
        known = ResourceType(
            type=value["type"],
            prefix=value["prefix"],
            plural=value["plural"],
            relations=value.get("relations", {}),
            template_mappings=value.get("template_mappings", {}),
            schema=value.get("schema", {}),
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
            self.found(
                document.where(("template_file",)), f"{text_path.name} cannot be read: {reason}"
            )
            return
        if path.name != value["id"] + TEMPLATE_SUFFIX:
            self.found(
                document.where(("id",)), f"id is not the file's name without {TEMPLATE_SUFFIX}"
            )
        template = Template(
            id=value["id"],
            handler=value["handler"],
            parameter_mappings=value["parameter_mappings"],
            template_file=text,
            watch=tuple(value.get("watch", ())),
        )
        self.keep(self.templates, template.id, template, document, "id")

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
            self.found(document.where((member,)), f"{member} {name!r} is taken", f"see {first}")
        else:
            known[name] = (thing, document)

    def check_schema(self, document: Document, schema: Any) -> None:
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            place = ("schema", *error.absolute_path)
            self.found(document.where(place), f"schema is no JSON Schema: {error.message}")

    def check_collections(self) -> None:
        seen: dict[str, str] = {}
        for known, document in self.types.values():
            first = seen.setdefault(known.collection, known.type)
            if first != known.type:
                what = f"collection {known.collection!r} is already that of {first}"
                self.found(document.where(("plural",)), what)

    def check_relations(self) -> None:
        for known, document in self.types.values():
            for name, target in known.relations.items():
                if target not in self.types:
                    self.found(
                        document.where(("relations", name)),
                        f"relations.{name}: there is no resource type {target!r}",
                        did_you_mean(target, list(self.types)),
                    )


def _dotted(place: tuple[str | int, ...]) -> str:
    return ".".join(map(str, place)) + ": " if place else ""
