"""From the text of a template or environment to a plain structure, whatever the text is."""

from __future__ import annotations

import json
from typing import Any

import yaml

from esi_flows.sandbox.errors import CloudError

MAX_BYTES = 524288
"""Heat's limit for a template."""
_MAX_DEPTH = 60
_MAX_NODES = 50_000


class _Loader(yaml.CSafeLoader):
    """YAML as Heat reads it: dates stay texts (``heat_template_version: 2013-05-23``)."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def parse_mapping(given: Any, *, what: str) -> Any:
    """The mapping that a text (YAML or JSON) or object is, as JSON. ``what`` names it in messages.

    Raises CloudError for what is none, is too big, or unfolds without end (aliases).
    """
    if isinstance(given, str):
        if len(given.encode(errors="replace")) > MAX_BYTES:
            raise CloudError(
                f"Request limit exceeded: Template size ({len(given)} bytes) exceeds maximum "
                f"allowed size ({MAX_BYTES} bytes).",
                kind="RequestLimitExceeded",
            )
        given = _load(given, what)
    if given is None:
        given = {}
    if not isinstance(given, dict):
        kind = (
            "template is not a JSON object or YAML mapping."
            if what == "Template"
            else "environment is not a valid YAML mapping data type."
        )
        raise CloudError(f"{what} not in valid format: The {kind}")
    _check_size(given, what)
    return _plain(given, what)


def _load(text: str, what: str) -> Any:
    try:
        _check_depth(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 -- derived from the safe loader
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        place = "Error parsing template [root stack] " if what == "Template" else ""
        raise CloudError(f"{what} not in valid format: {place}{error}") from error


def _check_depth(text: str) -> None:
    # the composer recurses in C, so the depth is counted on the flat stream of events first
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")


def _check_size(structure: Any, what: str) -> None:
    # aliases are shared objects: counted as often as they are used, given up at the limit
    stack = [(structure, 0)]
    nodes = 0
    while stack:
        node, depth = stack.pop()
        nodes += 1
        if nodes > _MAX_NODES or depth > _MAX_DEPTH:
            raise CloudError(
                f"{what} not in valid format: unfolds to more than {_MAX_NODES} nodes "
                f"or {_MAX_DEPTH} levels"
            )
        if isinstance(node, dict):
            stack.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            stack.extend((child, depth + 1) for child in node)


def _plain(structure: Any, what: str) -> Any:
    # as JSON knows it: keys are texts, so are scalars that only YAML has
    try:
        text = json.dumps(structure, default=str, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, TypeError) as error:
        raise CloudError(f"{what} not in valid format: {error}") from error
    return json.loads(text)
