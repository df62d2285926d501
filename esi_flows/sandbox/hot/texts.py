"""The functions that make texts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from esi_flows.sandbox.hot.calls import Call

_MAX_TEXT = 1_000_000
"""Longest text a function may give: small templates must not become huge stacks."""


def str_replace(argument: Any, call: Call) -> str:
    """Placeholders in a text replaced by values. Raises ValueError, Misused."""
    if not isinstance(argument, Mapping):
        raise call.misused('Arguments to "str_replace" must be a map')
    if not {"template", "params"} <= set(argument):
        raise call.misused(
            '"str_replace" syntax should be str_replace:\n'
            "  template: This is var1 template var2\n"
            "  params:\n    var1: a\n    var2: string"
        )
    template, params = argument["template"], argument["params"]
    if not isinstance(params, Mapping):
        raise call.misused('"str_replace" parameters must be a mapping')
    if not isinstance(template, str):
        raise ValueError('"str_replace" template must be a string')
    if not all(isinstance(key, str) and key for key in params):
        raise ValueError('"str_replace" param placeholders must be strings')
    replacements = {key: _replacement(value, key, call) for key, value in params.items()}
    for key, value in replacements.items():
        _check_length(template.count(key) * len(value))
    return _replace(template, replacements)


def _replacement(value: Any, key: str, call: Call) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping | list) and call.dialect.any_text:
        return json.dumps(value, sort_keys=True)
    if not isinstance(value, str | int | float):
        raise ValueError(
            f'"str_replace" params must be strings or numbers, param {key} is not valid'
        )
    return str(value)


def _replace(text: str, replacements: Mapping[str, str]) -> str:
    # what was put in is never searched again, and the longest placeholder wins:
    # even places are text still to be searched, odd ones were put in
    parts = [text]
    for key in sorted(sorted(replacements), key=len, reverse=True):
        searched: list[str] = []
        for place, part in enumerate(parts):
            if place % 2:
                searched.append(part)
                continue
            first, *others = part.split(key)
            searched.append(first)
            for other in others:
                searched += [replacements[key], other]
        parts = searched
    return "".join(parts)


def list_join(argument: Any, call: Call) -> str:
    """The items of lists as one text. Raises ValueError, Misused."""
    if not isinstance(argument, list) or len(argument) < 2:
        raise call.misused(
            'Incorrect arguments to "list_join" should be: "list_join" : [ " ", [ "str1", "str2"]]'
        )
    delimiter, lists = argument[0], argument[1:]
    if not isinstance(delimiter, str):
        raise ValueError('"list_join" delimiter must be a string')
    texts: list[str] = []
    for each in lists:
        if each is not None and not isinstance(each, list):
            raise ValueError('"list_join" must operate on a list')
        texts.extend(_joinable(item, call) for item in each or [])
    _check_length(sum(len(text) + len(delimiter) for text in texts))
    return delimiter.join(texts)


def _check_length(length: int) -> None:
    if length > _MAX_TEXT:
        raise ValueError(f"the text would be longer than {_MAX_TEXT} characters")


def _joinable(item: Any, call: Call) -> str:
    if item is None:
        return ""
    if isinstance(item, Mapping | list):
        if not call.dialect.any_text:
            raise ValueError(f"Items to join must be strings not {item!r}")
        return json.dumps(item)
    return str(item)


def str_split(argument: Any, call: Call) -> Any:
    """A text in parts, or one of them; None for what is no text. Raises ValueError, Misused."""
    if not isinstance(argument, list) or not 2 <= len(argument) <= 3:
        raise ValueError(
            'Incorrect arguments to "str_split" should be: [ <delim>, <string>, <index> ]'
        )
    if not isinstance(argument[1], str) or not isinstance(argument[0], str) or not argument[0]:
        return None
    parts = argument[1].split(argument[0])
    if len(argument) == 2:
        return parts
    try:
        return parts[int(argument[2])]
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(
            'Incorrect index to "str_split" should be between 0 and the number of parts'
        ) from error


def digest(argument: Any, call: Call) -> str:
    """The hash of a value. Raises ValueError, Misused."""
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValueError('Incorrect arguments to "digest" should be: [ <algorithm>, <value> ]')
    algorithm, value = argument
    if (
        not isinstance(algorithm, str)
        or algorithm not in hashlib.algorithms_guaranteed
        or algorithm.startswith("shake")
    ):
        raise ValueError(f"Algorithm must be one of {sorted(hashlib.algorithms_guaranteed)}")
    return hashlib.new(algorithm, str(value).encode(), usedforsecurity=False).hexdigest()
