"""JSON Schemas of all files of a catalog and its deployments, for editors to complete and check.

They are made of what the loaders themselves check with, and of the resource types' schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from esi_flows.catalog import formats
from esi_flows.catalog.mapping_format import DEFINITIONS, REFERENCE
from esi_flows.catalog.types import Catalog
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import InvalidInput

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SUFFIX = ".schema.json"


def editor_schemas(catalog: Catalog) -> dict[str, JsonObject]:
    """The schemas by name: ``resource``, ``template`` and ``deployment``."""
    return {
        "resource": _file("A resource type", formats.resource(REFERENCE), DEFINITIONS),
        "template": _file("The head of a template", formats.template(REFERENCE), DEFINITIONS),
        "deployment": _file("A wanted resource", _intents(catalog), {}),
    }


def write_schemas(folder: Path, catalog: Catalog) -> Iterator[Path]:
    """Write ``<folder>/<name>.schema.json``; each path when it is written. Raises InvalidInput."""
    for name, schema in editor_schemas(catalog).items():
        path = folder / f"{name}{SUFFIX}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(schema_text(schema), encoding="utf-8")
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error
        yield path


def schema_text(schema: JsonObject) -> str:
    """A schema as it is written to its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _file(title: str, schema: JsonObject, definitions: JsonObject) -> JsonObject:
    defined = {"$defs": definitions} if definitions else {}
    return {"$schema": DRAFT, "title": title, **schema, **defined}


def _intents(catalog: Catalog) -> dict[str, Any]:
    """A document of a deployment: its body is what the schema of its type says."""
    types = sorted(catalog.types.values(), key=lambda known: known.type)
    return {
        **formats.INTENT,
        "properties": {
            **formats.INTENT["properties"],
            "type": {
                **formats.INTENT["properties"]["type"],
                "enum": [known.type for known in types],
            },
        },
        "allOf": [
            {
                "if": {"required": ["type"], "properties": {"type": {"const": known.type}}},
                "then": {"properties": {"body": _body(known.schema, known.description)}},
            }
            for known in types
        ],
    }


def _body(schema: JsonObject, description: str) -> dict[str, Any]:
    """The schema of a body, in which the id may be left out."""
    required = [name for name in schema.get("required", ()) if name != "id"]
    told = {"description": description} if description and "description" not in schema else {}
    return {**told, **schema, "required": required}
