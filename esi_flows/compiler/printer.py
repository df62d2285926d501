"""Writing mappings: from nodes back to what a person would write."""

from __future__ import annotations

from typing import Any

from esi_flows.compiler import mapping as m


def to_source(mapping: m.Mapping) -> str | dict[str, Any]:
    """The mapping as one would write it: ``parse(to_source(m)) == m``.

    The object form is used wherever there is one, the text form for the rest.
    """
    match mapping:
        case m.Property() | m.Path() | m.Output() | m.TextJoin():
            return _text(mapping)
        case m.Choice(condition, then, otherwise):
            return {
                "if_mapping": _condition(condition),
                "then_mapping": to_source(then),
                "else_mapping": to_source(otherwise),
            }
        case m.Loop(m.Property(field), item):
            return {"for_field": field, "for_mapping": to_source(item)}
        case m.Loop(source, item):
            return {"for_field": to_source(source), "for_mapping": to_source(item)}
        case _:
            return _object(mapping)


def _object(mapping: m.ObjectForm) -> dict[str, Any]:
    match mapping:
        case m.Constant(value):
            return {"constant": value}
        case m.Version():
            return {"version": "auto_filled"}
        case m.Nested(fields):
            return {"nested": list(fields)}
        case m.Field(field, path, ignore_missing):
            missing = {"ignore_missing": True} if ignore_missing else {}
            return {"field": field, **_path(path), **missing}
        case m.OutputOf(key, path):
            return {"output_key": key, **_path(path)}
        case m.Join(parts):
            return {"concatenate": [_part(part) for part in parts]}
        case _:
            source = to_source(mapping)
            assert isinstance(source, dict)
            return source


def _text(mapping: m.TextForm) -> str:
    match mapping:
        case m.Constant(value):
            return f"C{value}"
        case m.Version():
            return "Vauto_filled"
        case m.Property(field):
            return f"P{field}"
        case m.Nested(fields):
            return "O" + ":".join(fields)
        case m.Path(hops, field):
            return "F" + ":".join([*(f"{hop.type}+{hop.field}" for hop in hops), field])
        case m.Output(type_name, field, key):
            return f"M{type_name}:{field}:{key}"
        case m.TextJoin(parts):
            return "A" + "&".join(_text(part) for part in parts)


def _part(mapping: m.ObjectForm) -> Any:
    """A part of a join: a string stands for itself."""
    if isinstance(mapping, m.Constant) and isinstance(mapping.value, str):
        return mapping.value
    return to_source(mapping)


def _operand(mapping: m.ObjectForm) -> Any:
    """An operand of a condition: every scalar stands for itself."""
    if isinstance(mapping, m.Constant) and m.is_scalar(mapping.value):
        return mapping.value
    return to_source(mapping)


def _condition(condition: m.Condition) -> dict[str, Any]:
    match condition:
        case m.Equal(left, right):
            return {"equal": [_operand(left), _operand(right)]}
        case m.Regexp(text, pattern):
            return {"regexp": [_operand(text), _operand(pattern)]}


def _path(path: tuple[m.Hop, ...]) -> dict[str, Any]:
    return {"path": [_hop(hop) for hop in path]} if path else {}


def _hop(hop: m.Hop) -> str | dict[str, Any]:
    match hop:
        case m.RelationHop(field):
            return field
        case m.TypedHop(type_name, field):
            return {"type": type_name, "id": field}
        case m.JoinHop(name):
            return _object(name)
