"""JSON Schemas of the catalog's own files, of stored templates, and of a deployment's documents."""

from __future__ import annotations

from typing import Any

from esi_flows.catalog.types import HANDLER_ORDER

ID_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What the id of a resource is like: it is part of a key."""

_NAME = {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$"}
_TEXT = {"type": "string"}
_HANDLER = {"enum": list(HANDLER_ORDER)}


def _told(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, **schema}


def resource(mapping: dict[str, Any]) -> dict[str, Any]:
    """``<type>/resource.yaml``, with what is asked of a mapping."""
    return {
        "type": "object",
        "required": ["type", "prefix", "plural"],
        "additionalProperties": False,
        "properties": {
            "type": _told(_NAME, "Name of the type, as in type:id; also the folder's."),
            "prefix": {
                "description": "URL prefix in gohan, such as /v2.0.",
                "type": "string",
                "pattern": "^(/[A-Za-z0-9_.-]+)+$",
            },
            "plural": _told(_NAME, "Last part of the URL of the collection."),
            "description": _told(_TEXT, "One sentence for people."),
            "relations": {
                "description": "Fields that hold the id of another resource, with its type.",
                "type": "object",
                "additionalProperties": _NAME,
            },
            "template_mappings": {
                "description": "Which template each handler uses; null: it has no part.",
                "type": "object",
                "propertyNames": _HANDLER,
                "additionalProperties": mapping,
            },
            "secrets": {
                "description": "Fields that are never shown.",
                "type": "array",
                "items": _TEXT,
            },
            "schema": {"description": "JSON Schema of the body.", "type": "object"},
        },
    }


def template(mapping: dict[str, Any]) -> dict[str, Any]:
    """``<type>/<template id>.template.yaml``, with what is asked of a mapping."""
    return {
        "type": "object",
        "required": ["id", "handler", "parameter_mappings", "template_file"],
        "additionalProperties": False,
        "properties": {
            "id": _told(_NAME, "Name of the template; also the file's."),
            "handler": _told(_HANDLER, "Which handler runs it."),
            "parameter_mappings": {
                "description": "Where each parameter comes from.",
                "type": "object",
                "additionalProperties": mapping,
            },
            "template_file": {
                "description": "File with the text, beside this one.",
                "type": "string",
                "pattern": r"^[A-Za-z0-9_.-]+\.j2$",
            },
            "watch": {"description": "Kept for the recorded form; empty.", "type": "array"},
        },
    }


# how a mapping must look is for the compiler to say: it can tell where in the mapping it is wrong
_ANY_MAPPING: dict[str, Any] = {"type": ["string", "object"]}

RESOURCE = resource(_ANY_MAPPING)
"""What the loader asks of ``<type>/resource.yaml``."""

TEMPLATE = template(_ANY_MAPPING)
"""What the loader asks of ``<type>/<template id>.template.yaml``."""

STORED_TEMPLATE: dict[str, Any] = {
    **TEMPLATE,
    "additionalProperties": True,
    "properties": {
        **TEMPLATE["properties"],
        "template_file": _TEXT,
        "watch": {"type": ["array", "null"]},
    },
}
"""The body of ``/config/v2.0/heat_templates/<id>``: the text itself is in ``template_file``."""

INTENT: dict[str, Any] = {
    "type": "object",
    "required": ["type", "id", "body"],
    "additionalProperties": False,
    "properties": {
        "type": _told(_TEXT, "A resource type of the catalog."),
        "id": {
            "description": "Tells resources of the type apart.",
            "type": "string",
            "pattern": ID_PATTERN,
        },
        "body": {"description": "What is wanted.", "type": "object"},
    },
}
"""One document of a deployment."""
