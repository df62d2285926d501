"""Intrinsic functions: where they stand in a snippet, and what they give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from esi_flows.sandbox.errors import CloudError, ValidationFailed
from esi_flows.sandbox.hot import values

Path = tuple[str | int, ...]

_MAX_TEXT = 1_000_000
"""Longest text a function may give: small templates must not become huge stacks."""


class Misused(ValidationFailed):
    """A function that can never work as it stands in the template."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The functions of one template version.

    ``any_text``: maps and lists may be put into texts (as JSON), which older versions refuse.
    """

    functions: tuple[str, ...]
    any_text: bool


class Scope(Protocol):
    """What functions can ask for."""

    def parameter(self, name: str) -> Any:
        """A parameter's value. Raises CloudError for an unknown one."""

    def reference(self, resource: str) -> Any:
        """What ``get_resource`` gives. Raises CloudError for an unknown one."""

    def attribute(self, resource: str, attribute: str, where: Path) -> Any:
        """What ``get_attr`` gives. Raises Misused for an unknown one."""

    def file(self, name: str) -> str:
        """The text of a file sent along. Raises ValueError for an unknown one."""


@dataclass(frozen=True, slots=True)
class _Call:
    scope: Scope
    dialect: Dialect
    where: Path

    def misused(self, message: str) -> Misused:
        return Misused(message, where=self.where)


def evaluate(snippet: Any, scope: Scope, dialect: Dialect, where: Path = ()) -> Any:
    """The value of a snippet. Raises CloudError; ValueError where a value does not suit."""
    name = function_name(snippet, dialect)
    if name:
        call = _Call(scope, dialect, (*where, name))
        return _FUNCTIONS[name](evaluate(snippet[name], scope, dialect, call.where), call)
    if isinstance(snippet, Mapping):
        return {k: evaluate(v, scope, dialect, (*where, str(k))) for k, v in snippet.items()}
    if isinstance(snippet, list):
        return [evaluate(v, scope, dialect, (*where, i)) for i, v in enumerate(snippet)]
    return snippet


def function_name(snippet: Any, dialect: Dialect) -> str:
    """The function that a snippet calls, or nothing."""
    if isinstance(snippet, Mapping) and len(snippet) == 1:
        (name,) = snippet
        if name in dialect.functions:
            return str(name)
    return ""


def references(snippet: Any, dialect: Dialect, where: Path = ()) -> Iterator[tuple[str, Path]]:
    """Names of the resources that a snippet needs, each with its place."""
    name = function_name(snippet, dialect)
    if name in ("get_resource", "get_attr"):
        argument = snippet[name]
        target = argument[0] if isinstance(argument, list) and argument else argument
        if isinstance(target, str) and (name == "get_resource" or isinstance(argument, list)):
            yield target, where
    if isinstance(snippet, Mapping):
        for key, value in snippet.items():
            yield from references(value, dialect, (*where, str(key)))
    elif isinstance(snippet, list):
        for index, value in enumerate(snippet):
            yield from references(value, dialect, (*where, index))


def _get_param(argument: Any, call: _Call) -> Any:
    if not argument:
        raise ValueError('Function "get_param" must have arguments')
    if isinstance(argument, str):
        return call.scope.parameter(argument)
    if not isinstance(argument, list):
        raise ValueError('Argument to "get_param" must be string or list')
    if not isinstance(argument[0], str):
        raise ValueError('Parameter name in "get_param" must be string')
    found = call.scope.parameter(argument[0])
    for key in argument[1:]:
        found = values.pick(found, [key]) if not isinstance(found, str) else None
        if found is None:
            return ""
    return found


def _get_resource(argument: Any, call: _Call) -> Any:
    if not isinstance(argument, str):
        raise call.misused('Argument to "get_resource" must be a string')
    return call.scope.reference(argument)


def _get_attr(argument: Any, call: _Call) -> Any:
    if not isinstance(argument, list):
        raise call.misused('Argument to "get_attr" must be a list')
    if len(argument) < 2:
        raise call.misused(
            'Arguments to "get_attr" must be of the form [resource_name, attribute, (path), ...]'
        )
    found = call.scope.attribute(str(argument[0]), str(argument[1]), call.where)
    return values.pick(found, argument[2:])


def _str_replace(argument: Any, call: _Call) -> str:
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
    return _replace(template, sorted(sorted(replacements), key=len, reverse=True), replacements)


def _replacement(value: Any, key: str, call: _Call) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping | list) and call.dialect.any_text:
        return json.dumps(value, sort_keys=True)
    if not isinstance(value, str | int | float):
        raise ValueError(
            f'"str_replace" params must be strings or numbers, param {key} is not valid'
        )
    return str(value)


def _replace(text: str, keys: Sequence[str], replacements: Mapping[str, str]) -> str:
    # what was put in is never searched again, and the longest placeholder wins
    if not keys:
        return text
    first, rest = keys[0], keys[1:]
    return replacements[first].join(
        _replace(part, rest, replacements) for part in text.split(first)
    )


def _list_join(argument: Any, call: _Call) -> str:
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


def _joinable(item: Any, call: _Call) -> str:
    if item is None:
        return ""
    if isinstance(item, Mapping | list):
        if not call.dialect.any_text:
            raise ValueError(f"Items to join must be strings not {item!r}")
        return json.dumps(item)
    return str(item)


def _str_split(argument: Any, call: _Call) -> Any:
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


def _get_file(argument: Any, call: _Call) -> str:
    if not isinstance(argument, str):
        raise ValueError('Argument to "get_file" must be a string')
    return call.scope.file(argument)


def _digest(argument: Any, call: _Call) -> str:
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValueError('Incorrect arguments to "digest" should be: [ <algorithm>, <value> ]')
    algorithm, value = argument
    if algorithm not in hashlib.algorithms_guaranteed or str(algorithm).startswith("shake"):
        raise ValueError(f"Algorithm must be one of {sorted(hashlib.algorithms_guaranteed)}")
    return hashlib.new(str(algorithm), str(value).encode(), usedforsecurity=False).hexdigest()


def _map_merge(argument: Any, call: _Call) -> dict[str, Any]:
    if not isinstance(argument, list) or not all(isinstance(m, Mapping | None) for m in argument):
        raise ValueError("Incorrect arguments: Items to merge must be maps.")
    return {key: value for each in argument if each for key, value in each.items()}


def _list_concat(argument: Any, call: _Call) -> list[Any]:
    if not isinstance(argument, list) or not all(isinstance(e, list | None) for e in argument):
        raise ValueError("Incorrect arguments: Items to concat must be lists.")
    return [item for each in argument for item in each or []]


_FUNCTIONS: Mapping[str, Callable[[Any, _Call], Any]] = {
    "get_param": _get_param,
    "get_resource": _get_resource,
    "get_attr": _get_attr,
    "get_file": _get_file,
    "str_replace": _str_replace,
    "str_split": _str_split,
    "list_join": _list_join,
    "list_concat": _list_concat,
    "map_merge": _map_merge,
    "digest": _digest,
}

_SINCE = (
    (
        "2013-05-23",
        ("get_param", "get_resource", "get_attr", "get_file", "str_replace", "list_join"),
    ),
    ("2015-04-30", ("digest",)),
    ("2015-10-15", ("str_split",)),
    ("2016-04-08", ("map_merge",)),
    ("2017-02-24", ("list_concat",)),
)


def dialect_of(version: str) -> Dialect:
    """What a template of this version (a date) may use."""
    names = tuple(name for since, names in _SINCE if since <= version for name in names)
    return Dialect(names, any_text=version >= "2015-10-15")


def unknown_reference(resource: str, where: Path) -> CloudError:
    """The error for a resource that the template does not have."""
    place = ".".join(str(part) for part in where)
    return CloudError(
        f'The specified reference "{resource}" (in {place}) is incorrect.',
        kind="InvalidTemplateReference",
    )
