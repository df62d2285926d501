"""Parameters as Heat takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def as_sent(template: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they are, but for a number where the template allows a pattern only.

    Heat matches a pattern before it makes a text of what it was given: a number there is refused,
    without a word about which parameter it was.
    """
    numbers = {name for name, value in parameters.items() if _is_number(value)}
    texts = numbers & _patterned(template) if numbers else numbers
    return {name: str(value) if name in texts else value for name, value in parameters.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _patterned(template: str) -> set[str]:
    """The parameters for which a template allows a pattern only; none of one that is no YAML."""
    try:
        document = yaml.safe_load(template)
    except (yaml.YAMLError, RecursionError):
        return set()  # Heat says what is wrong with it
    declared = document.get("parameters") if isinstance(document, dict) else None
    if not isinstance(declared, dict):
        return set()
    return {name for name, parameter in declared.items() if "allowed_pattern" in str(parameter)}
