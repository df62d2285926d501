"""JSON Schemas of the catalog's own files."""

from __future__ import annotations

from typing import Any

from esi_flows.catalog.types import HANDLER_ORDER

_NAME = {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$"}
_TEXT = {"type": "string"}
_HANDLER = {"enum": list(HANDLER_ORDER)}
# how a mapping must look is for the compiler to say: it can tell where in the mapping it is wrong
_MAPPING = {"type": ["string", "object"]}

RESOURCE: dict[str, Any] = {
    "type": "object",
    "required": ["type", "prefix", "plural"],
    "additionalProperties": False,
    "properties": {
        "type": _NAME,
        "prefix": {"type": "string", "pattern": "^(/[A-Za-z0-9_.-]+)+$"},
        "plural": _NAME,
        "description": _TEXT,
        "relations": {"type": "object", "additionalProperties": _NAME},
        "template_mappings": {
            "type": "object",
            "propertyNames": _HANDLER,
            "additionalProperties": _MAPPING,
        },
        "secrets": {"type": "array", "items": _TEXT},
        "schema": {"type": "object"},
    },
}
"""``<type>/resource.yaml``."""

TEMPLATE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "handler", "parameter_mappings", "template_file"],
    "additionalProperties": False,
    "properties": {
        "id": _NAME,
        "handler": _HANDLER,
        "parameter_mappings": {"type": "object", "additionalProperties": _MAPPING},
        "template_file": {"type": "string", "pattern": r"^[A-Za-z0-9_.-]+\.j2$"},
        "watch": {"type": "array"},
    },
}
"""``<type>/<template id>.template.yaml``."""

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
