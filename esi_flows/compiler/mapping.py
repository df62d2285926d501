"""The mapping language as data: one frozen node per form.

A mapping says where a parameter's value comes from. It is written as a text (``Pname``) or as an
object (``{"field": "name"}``); :mod:`esi_flows.compiler.parser` reads both, :func:`to_source`
writes a node back so that reading it gives the same node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Constant:
    """``Ctext`` (always a text), or ``{constant: <json>}``."""

    value: Any


@dataclass(frozen=True, slots=True)
class Version:
    """``Vauto_filled`` or ``{version: auto_filled}``: the configuration's version, a number."""


@dataclass(frozen=True, slots=True)
class Property:
    """``Pfield``: a field of the own body, or null."""

    field: str


@dataclass(frozen=True, slots=True)
class Nested:
    """``Oa:b`` or ``{nested: [a, b]}``: a value inside the own body, or null."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelationHop:
    """A step over a field that the catalog says is a relation."""

    field: str


@dataclass(frozen=True, slots=True)
class TypedHop:
    """A step to a resource of ``type`` whose id is in ``field``; "" is the loop item itself."""

    type: str
    field: str


@dataclass(frozen=True, slots=True)
class JoinHop:
    """A step over a relation whose name is put together from values."""

    name: Join


Hop = RelationHop | TypedHop | JoinHop


@dataclass(frozen=True, slots=True)
class Path:
    """``Ftype+field:...:field``: follow the hops, then read a field."""

    hops: tuple[TypedHop, ...]
    field: str


@dataclass(frozen=True, slots=True)
class Output:
    """``Mtype:field:key``: an output of the resource that a field points to."""

    type: str
    field: str
    key: str


@dataclass(frozen=True, slots=True)
class TextJoin:
    """``Apart&part``: the parts as text, glued."""

    parts: tuple[TextForm, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """``{field, path, ignore_missing}``: a field of the own body, or of the path's end."""

    field: str
    path: tuple[Hop, ...] = ()
    ignore_missing: bool = False


@dataclass(frozen=True, slots=True)
class OutputOf:
    """``{output_key, path}``: an output of the resource itself, or of the path's end."""

    key: str
    path: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """``{concatenate: [part, ...]}``: the parts as text, glued. A string is itself."""

    parts: tuple[ObjectForm, ...]


@dataclass(frozen=True, slots=True)
class Equal:
    """``{equal: [a, b]}``: whether two JSON values are the same."""

    left: ObjectForm
    right: ObjectForm


@dataclass(frozen=True, slots=True)
class Regexp:
    """``{regexp: [text, pattern]}``: whether the pattern matches at the start of the text."""

    text: ObjectForm
    pattern: ObjectForm


Condition = Equal | Regexp


@dataclass(frozen=True, slots=True)
class Choice:
    """``{if_mapping, then_mapping, else_mapping}``."""

    condition: Condition
    then: Mapping
    otherwise: Mapping


@dataclass(frozen=True, slots=True)
class Loop:
    """``{for_field, for_mapping}``: one value per item of a list.

    A source given as a text is the name of a field, read like :class:`Property`.
    """

    source: Property | ObjectForm
    item: Mapping


TextForm = Constant | Version | Property | Nested | Path | Output | TextJoin
ObjectForm = Constant | Version | Nested | Field | OutputOf | Join | Choice | Loop
Mapping = TextForm | ObjectForm


def to_source(mapping: Mapping) -> str | dict[str, Any]:
    """The mapping as one would write it: ``parse(to_source(m)) == m``.

    The object form is used wherever there is one, the text form for the rest.
    """
    match mapping:
        case Property() | Path() | Output() | TextJoin():
            return _text(mapping)
        case Choice(condition, then, otherwise):
            return {
                "if_mapping": _condition(condition),
                "then_mapping": to_source(then),
                "else_mapping": to_source(otherwise),
            }
        case Loop(Property(field), item):
            return {"for_field": field, "for_mapping": to_source(item)}
        case Loop(source, item):
            return {"for_field": to_source(source), "for_mapping": to_source(item)}
        case _:
            return _object(mapping)


def _object(mapping: ObjectForm) -> dict[str, Any]:
    match mapping:
        case Constant(value):
            return {"constant": value}
        case Version():
            return {"version": "auto_filled"}
        case Nested(fields):
            return {"nested": list(fields)}
        case Field(field, path, ignore_missing):
            missing = {"ignore_missing": True} if ignore_missing else {}
            return {"field": field, **_path(path), **missing}
        case OutputOf(key, path):
            return {"output_key": key, **_path(path)}
        case Join(parts):
            return {"concatenate": [_part(part) for part in parts]}
        case _:
            source = to_source(mapping)
            assert isinstance(source, dict)
            return source


def _text(mapping: TextForm) -> str:
    match mapping:
        case Constant(value):
            return f"C{value}"
        case Version():
            return "Vauto_filled"
        case Property(field):
            return f"P{field}"
        case Nested(fields):
            return "O" + ":".join(fields)
        case Path(hops, field):
            return "F" + ":".join([*(f"{hop.type}+{hop.field}" for hop in hops), field])
        case Output(type_name, field, key):
            return f"M{type_name}:{field}:{key}"
        case TextJoin(parts):
            return "A" + "&".join(_text(part) for part in parts)


def _part(mapping: ObjectForm) -> Any:
    """A part of a join: a string stands for itself."""
    if isinstance(mapping, Constant) and isinstance(mapping.value, str):
        return mapping.value
    return to_source(mapping)


def _operand(mapping: ObjectForm) -> Any:
    """An operand of a condition: every scalar stands for itself."""
    if isinstance(mapping, Constant) and is_scalar(mapping.value):
        return mapping.value
    return to_source(mapping)


def _condition(condition: Condition) -> dict[str, Any]:
    match condition:
        case Equal(left, right):
            return {"equal": [_operand(left), _operand(right)]}
        case Regexp(text, pattern):
            return {"regexp": [_operand(text), _operand(pattern)]}


def _path(path: tuple[Hop, ...]) -> dict[str, Any]:
    return {"path": [_hop(hop) for hop in path]} if path else {}


def _hop(hop: Hop) -> str | dict[str, Any]:
    match hop:
        case RelationHop(field):
            return field
        case TypedHop(type_name, field):
            return {"type": type_name, "id": field}
        case JoinHop(name):
            return _object(name)


def is_scalar(value: Any) -> bool:
    """Whether a JSON value is neither an object nor a list."""
    return not isinstance(value, dict | list)


def kind_of(value: Any) -> str:
    """What a JSON value is, in words; the value itself may be a secret and is shown in no error."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a boolean",
        type(None): "null",
    }
    return names.get(type(value), "a number")
