"""The mapping language as data: one frozen node per form.

A mapping says where a parameter's value comes from. It is written as a text (``Pname``) or as an
object (``{"field": "name"}``): :mod:`esi_flows.compiler.parser` reads both,
:mod:`esi_flows.compiler.printer` writes them.
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
