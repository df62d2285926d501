"""What a rendered HOT template declares, and what it uses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from esi_flows.catalog.yaml_files import is_shallow
from esi_flows.lint.flaws import Flaw, unknown

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SECTIONS = (
    "heat_template_version",
    "description",
    "parameter_groups",
    "parameters",
    "resources",
    "outputs",
    "conditions",
)
_PSEUDO = ("OS::project_id", "OS::stack_id", "OS::stack_name")
"""Parameters that Heat itself gives."""

_USES = {"get_param": "parameter", "get_resource": "resource", "get_attr": "resource"}
MAX_DEPTH = 100


@dataclass(slots=True)
class Hot:
    """A HOT template by the names in it; ``required`` are the parameters without a default."""

    parameters: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    used: list[tuple[str, str]] = field(default_factory=list)
    """Function and name, in the order of the text."""
    flaws: list[Flaw] = field(default_factory=list)
    broken: Flaw | None = None
    """Why it is no template at all; nothing else is known of it then."""


def read_hot(text: str, source: str) -> Hot:
    """What is in a rendered template; ``source`` is the text that it was rendered from."""
    hot = Hot()
    loader = _FAST if is_shallow(text, MAX_DEPTH) else yaml.SafeLoader
    try:
        document = yaml.load(text, loader)  # noqa: S506 - a safe loader either way
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        hot.broken = _no_yaml(error, text, source)
        return hot
    if not isinstance(document, dict):
        hot.broken = _flaw(source, "", "renders to no HOT template: it has no sections")
        return hot
    if "heat_template_version" not in document:
        what = "has no heat_template_version, without which Heat takes it for no template"
        hot.flaws.append(_flaw(source, "", what))
    for name in document:
        if name not in _SECTIONS:
            what = f"Heat knows no section {name!r}"
            line = line_of(source, str(name))
            hot.flaws.append(unknown((), what, str(name), _SECTIONS, line=line))
    parameters = _section(document, "parameters")
    hot.parameters = frozenset(parameters)
    hot.required = frozenset(
        name
        for name, given in parameters.items()
        if not isinstance(given, Mapping) or "default" not in given
    )
    hot.resources = frozenset(_section(document, "resources"))
    hot.outputs = frozenset(_section(document, "outputs"))
    hot.used = list(_used(document, 0, set()))
    hot.flaws.extend(_unknown_uses(hot, source))
    return hot


def _section(document: Mapping[Any, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    entries = found.items() if isinstance(found, Mapping) else ()
    return {str(key): value for key, value in entries}


def _used(value: Any, depth: int, seen: set[int]) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict | list) or depth > MAX_DEPTH or id(value) in seen:
        return
    seen.add(id(value))  # an alias is the same object once more
    if isinstance(value, dict):
        for name, inner in value.items():
            first = inner[0] if isinstance(inner, list) and inner else inner
            if name in _USES and isinstance(first, str):
                yield str(name), first
            yield from _used(inner, depth + 1, seen)
    else:
        for inner in value:
            yield from _used(inner, depth + 1, seen)


def _unknown_uses(hot: Hot, source: str) -> Iterator[Flaw]:
    for function, name in dict.fromkeys(hot.used):
        known = hot.parameters if function == "get_param" else hot.resources
        if name in known or (function == "get_param" and name in _PSEUDO):
            continue
        what = f"{function}: there is no {_USES[function]} {name!r} in the template"
        yield unknown((), what, name, known, line=line_of(source, name, after=function))


def _no_yaml(error: Exception, text: str, source: str) -> Flaw:
    mark = getattr(error, "problem_mark", None)
    rendered = text.splitlines()
    broken = rendered[mark.line].strip() if mark is not None and mark.line < len(rendered) else ""
    problem = getattr(error, "problem", None) or str(error)
    what = f"renders to no YAML: {problem}" + (f" in {broken[:60]!r}" if broken else "")
    return _flaw(source, broken, what)


def _flaw(source: str, near: str, what: str) -> Flaw:
    return Flaw((), what, line=line_of(source, near) if near else 0)


def line_of(source: str, name: str, *, after: str = "") -> int:
    """The first line on which a name stands, if need be after another word; 0 where on none.

    What is put together while rendering stands on no line.
    """
    word = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    pattern = re.compile(rf"{re.escape(after)}\b.*{word}" if after else word)
    for number, line in enumerate(source.splitlines(), 1):
        if pattern.search(line):
            return number
    return 0
