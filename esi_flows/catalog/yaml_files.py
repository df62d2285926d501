"""YAML files as JSON values that remember where each part was written.

What YAML knows and JSON does not (dates, sets, binary, keys that are no text, merge keys,
numbers that are none) never gets past this module.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from esi_flows.model.errors import Finding, Severity, Spot

MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_VALUES = 100_000
MAX_DEPTH = 50

Place = tuple[str | int, ...]
Mark = tuple[int, int]
"""Line and column, from 1."""


def path_text(place: Sequence[str | int]) -> str:
    """A place as people write it: ``body.fixed_ips[0].subnet_id``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).removeprefix(".")


# libyaml is much faster, but not on every machine, and its words differ between versions
_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _JsonLoader(yaml.SafeLoader):
    """The safe loader without dates: ``2026-01-01`` is a text, as in JSON."""


class _FastLoader(_Fast):  # type: ignore[misc]  # which it is, the machine says
    """The same, for what is known to be fit for it."""


_JsonLoader.yaml_implicit_resolvers = _FastLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def is_shallow(text: str, depth: int = MAX_DEPTH) -> bool:
    """Whether a text is YAML without aliases, and nested no deeper than that.

    To be asked before libyaml reads a text whole: deep nesting would overflow its stack, and end
    the process.
    """
    level = 0
    try:
        for event in yaml.parse(text, Loader=_Fast):
            if isinstance(event, yaml.CollectionStartEvent):
                level += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                level -= 1
            if level > depth or isinstance(event, yaml.AliasEvent):
                return False
    except (yaml.YAMLError, RecursionError, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its JSON value, and where its parts begin."""

    file: str
    value: Any
    marks: dict[Place, Mark]
    text: str = field(default="", repr=False)
    """The whole file: comments in it may mean something."""

    def where(self, place: Sequence[str | int] = ()) -> str:
        """``file:line`` of the part at ``place``, or of the nearest part around it."""
        return f"{self.file}:{self._mark(place)[0]}"

    def finding(
        self,
        place: Sequence[str | int],
        what: str,
        hint: str = "",
        *,
        severity: Severity = Severity.ERROR,
        value: str = "",
        allowed: str = "",
    ) -> Finding:
        """A finding about the part at ``place``."""
        line, column = self._mark(place)
        spot = Spot(self.file, line, column, path_text(place))
        return Finding(f"{self.file}:{line}", what, hint, severity, spot, value, allowed)

    def _mark(self, place: Sequence[str | int]) -> Mark:
        nearest = tuple(place)
        while nearest and nearest not in self.marks:
            nearest = nearest[:-1]
        return self.marks.get(nearest, (1, 1))


def file_finding(file: str, what: str, hint: str = "", *, mark: Mark | None = None) -> Finding:
    """A finding about a file, or about the place ``mark`` in it."""
    if mark is None:
        return Finding(file, what, hint, spot=Spot(file))
    return Finding(f"{file}:{mark[0]}", what, hint, spot=Spot(file, *mark))


class _Unfit(Exception):
    """A part of a document that JSON cannot say."""

    def __init__(self, node: yaml.Node, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.mark = _start(node)
        self.what = what
        self.hint = hint


def read_documents(path: Path, findings: list[Finding]) -> list[Document]:
    """Every document of a YAML file; what is wrong with it is added to ``findings``."""
    file = str(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            findings.append(file_finding(file, f"is larger than {MAX_FILE_BYTES // 1024**2} MiB"))
            return []
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        findings.append(file_finding(file, f"is not UTF-8 text: byte {error.start} is invalid"))
        return []
    except OSError as error:
        findings.append(file_finding(file, f"cannot be read: {error.strerror}"))
        return []
    documents: list[Document] = []
    try:
        loader = _FastLoader(text) if is_shallow(text) else _JsonLoader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None and not _empty(node):
                documents.extend(_document(file, text, loader, node, findings))
    except yaml.YAMLError as error:
        findings.append(_syntax_finding(file, error))
    except RecursionError:
        findings.append(file_finding(file, f"is nested deeper than {MAX_DEPTH} levels"))
    return documents


def _document(
    file: str, text: str, loader: yaml.SafeLoader, node: yaml.Node, findings: list[Finding]
) -> Iterator[Document]:
    marks: dict[Place, Mark] = {}
    try:
        yield Document(file, _Reader(loader, marks).value(node, ()), marks, text)
    except _Unfit as unfit:
        findings.append(file_finding(file, unfit.what, unfit.hint, mark=unfit.mark))


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")


def _syntax_finding(file: str, error: yaml.YAMLError) -> Finding:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    place = (mark.line + 1, mark.column + 1) if mark is not None else None
    return file_finding(file, f"is not YAML: {problem}", mark=place)


def _start(node: yaml.Node) -> Mark:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Reader:
    """Builds the value of one document, counting so that aliases cannot make it explode."""

    def __init__(self, loader: yaml.SafeLoader, marks: dict[Place, Mark]) -> None:
        self._loader = loader
        self._marks = marks
        self._values = 0

    def value(self, node: yaml.Node, place: Place) -> Any:
        self._values += 1
        if self._values > MAX_VALUES or len(place) > MAX_DEPTH:
            limit = f"{MAX_VALUES} values or {MAX_DEPTH} levels"
            raise _Unfit(node, f"has more than {limit}, counting every use of an alias")
        self._marks.setdefault(place, _start(node))
        if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
            return [self.value(child, (*place, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise _Unfit(node, f"tag {node.tag!r} has no meaning here", "use plain YAML")

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag.endswith(":merge"):
                raise _Unfit(key_node, "merge keys (<<) are not supported", "write the members out")
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise _Unfit(key_node, f"name {key!r} is not a text", "put it in quotes")
            if key in mapping:
                raise _Unfit(key_node, f"{key!r} is given twice", "keep one of them")
            # where the name is, not the value: it is what a reader looks for
            self._marks[(*place, key)] = _start(key_node)
            mapping[key] = self.value(value_node, (*place, key))
        return mapping

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise _Unfit(node, f"{node.value!r} cannot be read as {node.tag}") from error
        if isinstance(value, float) and not math.isfinite(value):
            raise _Unfit(node, f"{node.value} is not a number that JSON has")
        if value is None or isinstance(value, str | int | float | bool):
            return value
        raise _Unfit(node, f"tag {node.tag!r} has no meaning here", "use plain YAML")
