"""Intrinsic functions: where they stand in a snippet, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.hot import texts, values
from esi_flows.sandbox.hot.calls import Call, Dialect, Path, Scope


def evaluate(snippet: Any, scope: Scope, dialect: Dialect, where: Path = ()) -> Any:
    """The value of a snippet. Raises CloudError; ValueError where a value does not suit."""
    name = function_name(snippet, dialect)
    if name:
        call = Call(scope, dialect, (*where, name))
        argument = evaluate(snippet[name], scope, dialect, call.where)
        try:
            return _FUNCTIONS[name](argument, call)
        except TypeError as error:  # an argument within the arguments is of an odd type
            raise ValueError(f'Incorrect arguments to "{name}": {error}') from error
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


def _get_param(argument: Any, call: Call) -> Any:
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


def _get_resource(argument: Any, call: Call) -> Any:
    if not isinstance(argument, str):
        raise call.misused('Argument to "get_resource" must be a string')
    return call.scope.reference(argument)


def _get_attr(argument: Any, call: Call) -> Any:
    if not isinstance(argument, list):
        raise call.misused('Argument to "get_attr" must be a list')
    if len(argument) < 2:
        raise call.misused(
            'Arguments to "get_attr" must be of the form [resource_name, attribute, (path), ...]'
        )
    found = call.scope.attribute(str(argument[0]), str(argument[1]), call.where)
    return values.pick(found, argument[2:])


def _get_file(argument: Any, call: Call) -> str:
    if not isinstance(argument, str):
        raise ValueError('Argument to "get_file" must be a string')
    return call.scope.file(argument)


def _map_merge(argument: Any, call: Call) -> dict[str, Any]:
    if not isinstance(argument, list) or not all(isinstance(m, Mapping | None) for m in argument):
        raise ValueError("Incorrect arguments: Items to merge must be maps.")
    return {key: value for each in argument if each for key, value in each.items()}


def _list_concat(argument: Any, call: Call) -> list[Any]:
    if not isinstance(argument, list) or not all(isinstance(e, list | None) for e in argument):
        raise ValueError("Incorrect arguments: Items to concat must be lists.")
    return [item for each in argument for item in each or []]


_FUNCTIONS: Mapping[str, Callable[[Any, Call], Any]] = {
    "get_param": _get_param,
    "get_resource": _get_resource,
    "get_attr": _get_attr,
    "get_file": _get_file,
    "str_replace": texts.str_replace,
    "str_split": texts.str_split,
    "list_join": texts.list_join,
    "list_concat": _list_concat,
    "map_merge": _map_merge,
    "digest": texts.digest,
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
