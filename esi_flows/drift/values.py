"""Templates and parameters brought into one form, in which the same means the same to Heat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from esi_flows.catalog.yaml_files import is_shallow
from esi_flows.model.secrets import MASK, Names

_TRUE = frozenset({"t", "true", "on", "y", "yes", "1"})
_TELLS_NOTHING = frozenset(
    {"type", "description", "label", "hidden", "get_param", "get_resource", "get_attr"}
)
"""Members that hold no secret themselves, also below a field that does."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Heat reads it: dates stay texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def as_json(template: str) -> dict[str, Any] | None:
    """The template as Heat keeps it; None where we do not read it."""
    if not is_shallow(template):
        return None
    try:
        document = yaml.load(template, _Loader)  # noqa: S506 - a safe loader
        found = json.loads(json.dumps(document, default=str))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def types_of(template: Mapping[str, Any] | None) -> dict[str, str]:
    """The types of a template's parameters by name."""
    declared = (template or {}).get("parameters")
    if not isinstance(declared, Mapping):
        return {}
    return {str(n): str(p.get("type")) for n, p in declared.items() if isinstance(p, Mapping)}


def plain(value: Any, kind: str) -> Any:
    """What Heat makes of the value of a parameter of that type."""
    if value is None:
        return None
    if kind == "boolean":
        return str(value).strip().lower() in _TRUE
    if kind == "comma_delimited_list" and isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    if kind == "comma_delimited_list" and isinstance(value, list):
        return [str(part) for part in value]
    try:
        if kind == "number":
            return float(value)
        if kind == "json" and isinstance(value, str):
            return json.loads(value)
    except (ValueError, TypeError):
        return value
    return str(value) if kind == "string" and isinstance(value, int | float) else value


def without_secrets(document: Any, names: Names, *, secret: bool = False) -> Any:
    """A template in which texts and numbers in secret fields are masked."""
    if isinstance(document, Mapping):
        return {
            name: without_secrets(
                value, names, secret=(secret or name in names) and name not in _TELLS_NOTHING
            )
            for name, value in document.items()
        }
    if isinstance(document, list):
        return [without_secrets(value, names, secret=secret) for value in document]
    if not secret or document is None or isinstance(document, bool) or document == "":
        return document
    return MASK
