"""Reading mappings: from the text form or the object form to the nodes of ``mapping``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from esi_flows.compiler import mapping as m
from esi_flows.compiler.text_form import Unreadable, parse_text
from esi_flows.model.errors import Finding, MappingError

MAX_DEPTH = 40
"""How deep mappings may be nested in each other."""

MAX_SHOWN = 200
"""How many characters of a mapping an error quotes."""


def shown(source: Any) -> str:
    """A mapping as errors quote it."""
    text = source if isinstance(source, str) else json.dumps(source, sort_keys=True, default=str)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def parse(source: Any) -> m.Mapping:
    """Read a mapping given as a text or as a JSON object.

    Raises MappingError with the mapping, the place in it, and what is allowed there.
    """
    try:
        return _Reader().mapping(source, "", 0)
    except Unreadable as error:
        where = error.where or "the start"
        raise MappingError(
            f"mapping {shown(source)} cannot be read at {where}: {error.what}",
            findings=[Finding(where, error.what, error.allowed)],
            hint=error.allowed,
        ) from None


def _fail(where: str, what: str, allowed: str) -> NoReturn:
    raise Unreadable(where.removeprefix("."), what, allowed)


_MEMBERS: dict[str, tuple[str, ...]] = {
    "constant": ("constant",),
    "version": ("version",),
    "field": ("field", "path", "ignore_missing"),
    "output_key": ("output_key", "path"),
    "nested": ("nested",),
    "concatenate": ("concatenate",),
    "if_mapping": ("if_mapping", "then_mapping", "else_mapping"),
    "for_field": ("for_field", "for_mapping"),
}
"""The member that makes each object form what it is, and all members that form may have."""

_FORMS = "an object mapping has one of " + ", ".join(_MEMBERS)


class _Reader:
    """The object form, one method per rule of the grammar; ``at`` is a place like ``.path[0]``."""

    def mapping(self, source: Any, at: str, depth: int) -> m.Mapping:
        if isinstance(source, str):
            try:
                return parse_text(source)
            except Unreadable as error:
                where = f"{at}, {error.where}" if at else error.where
                _fail(where, error.what, error.allowed)
        return self.object(source, at, depth)

    def object(self, source: Any, at: str, depth: int) -> m.ObjectForm:
        if depth > MAX_DEPTH:
            _fail(at, "mappings are nested too deep", f"at most {MAX_DEPTH} levels")
        if not isinstance(source, dict):
            _fail(at, f"{m.kind_of(source)} is no mapping", "a text like Pname, or an object")
        kinds = [kind for kind in _MEMBERS if kind in source]
        if len(kinds) != 1:
            found = " and ".join(kinds) if kinds else "none of them"
            _fail(at, f"there must be one kind of mapping, found {found}", _FORMS)
        for name in source:
            if name not in _MEMBERS[kinds[0]]:
                allowed = ", ".join(_MEMBERS[kinds[0]])
                _fail(f"{at}.{name}", f"{kinds[0]} mappings have no member {name!r}", allowed)
        read: Callable[[dict[str, Any], str, int], m.ObjectForm] = getattr(self, kinds[0])
        return read(source, at, depth + 1)

    def constant(self, source: dict[str, Any], at: str, depth: int) -> m.Constant:
        return m.Constant(source["constant"])

    def version(self, source: dict[str, Any], at: str, depth: int) -> m.Version:
        if source["version"] != "auto_filled":
            _fail(f"{at}.version", f"{source['version']!r} is no version", "auto_filled")
        return m.Version()

    def field(self, source: dict[str, Any], at: str, depth: int) -> m.Field:
        ignore_missing = source.get("ignore_missing", False)
        if not isinstance(ignore_missing, bool):
            _fail(
                f"{at}.ignore_missing", f"{m.kind_of(ignore_missing)} is no choice", "true or false"
            )
        field = _name(source["field"], f"{at}.field", "the name of a field")
        return m.Field(field, self.path(source, at, depth), ignore_missing)

    def output_key(self, source: dict[str, Any], at: str, depth: int) -> m.OutputOf:
        key = _name(source["output_key"], f"{at}.output_key", "the name of an output")
        return m.OutputOf(key, self.path(source, at, depth))

    def nested(self, source: dict[str, Any], at: str, depth: int) -> m.Nested:
        fields = _list(source["nested"], f"{at}.nested", "a list of field names")
        return m.Nested(
            tuple(
                _name(f, f"{at}.nested[{i}]", "the name of a field") for i, f in enumerate(fields)
            )
        )

    def concatenate(self, source: dict[str, Any], at: str, depth: int) -> m.Join:
        place = f"{at}.concatenate"
        parts = _list(source["concatenate"], place, "a list of mappings and texts")
        return m.Join(
            tuple(
                m.Constant(part)
                if isinstance(part, str)
                else self.object(part, f"{place}[{i}]", depth)
                for i, part in enumerate(parts)
            )
        )

    def if_mapping(self, source: dict[str, Any], at: str, depth: int) -> m.Choice:
        branches = {}
        for name in ("then_mapping", "else_mapping"):
            if name not in source:
                _fail(at, f"{name} is missing", "if_mapping, then_mapping and else_mapping")
            branches[name] = self.mapping(source[name], f"{at}.{name}", depth)
        condition = self.condition(source["if_mapping"], f"{at}.if_mapping", depth)
        return m.Choice(condition, branches["then_mapping"], branches["else_mapping"])

    def for_field(self, source: dict[str, Any], at: str, depth: int) -> m.Loop:
        if "for_mapping" not in source:
            _fail(at, "for_mapping is missing", "for_field and for_mapping")
        over = source["for_field"]
        items: m.Property | m.ObjectForm
        if isinstance(over, str):
            items = m.Property(_name(over, f"{at}.for_field", "the name of a field"))
        else:
            items = self.object(over, f"{at}.for_field", depth)
        return m.Loop(items, self.mapping(source["for_mapping"], f"{at}.for_mapping", depth))

    def condition(self, source: Any, at: str, depth: int) -> m.Condition:
        allowed = "{equal: [a, b]} or {regexp: [text, pattern]}"
        if not isinstance(source, dict) or len(source) != 1:
            _fail(at, "this is no condition", allowed)
        [(kind, operands)] = source.items()
        if kind not in ("equal", "regexp"):
            _fail(f"{at}.{kind}", f"{kind!r} is no condition", allowed)
        place = f"{at}.{kind}"
        if len(_list(operands, place, "a list of two")) != 2:
            _fail(place, f"there are {len(operands)} operands", "two operands")
        left, right = (self.operand(o, f"{place}[{i}]", depth) for i, o in enumerate(operands))
        return m.Equal(left, right) if kind == "equal" else m.Regexp(left, right)

    def operand(self, source: Any, at: str, depth: int) -> m.ObjectForm:
        return m.Constant(source) if m.is_scalar(source) else self.object(source, at, depth)

    def path(self, source: dict[str, Any], at: str, depth: int) -> tuple[m.Hop, ...]:
        if "path" not in source:
            return ()
        hops = _list(source["path"], f"{at}.path", "a list of relation fields")
        return tuple(self.hop(hop, f"{at}.path[{i}]", depth) for i, hop in enumerate(hops))

    def hop(self, source: Any, at: str, depth: int) -> m.Hop:
        allowed = "a relation field, {type, id}, or {concatenate}"
        if isinstance(source, str):
            return m.RelationHop(_name(source, at, allowed))
        if not isinstance(source, dict):
            _fail(at, f"{m.kind_of(source)} is no step of a path", allowed)
        if "concatenate" in source:
            name = self.object(source, at, depth)
            assert isinstance(name, m.Join)
            return m.JoinHop(name)
        if set(source) != {"type", "id"}:
            _fail(at, f"a step cannot have the members {', '.join(map(str, source))}", allowed)
        if not isinstance(source["id"], str):
            _fail(f"{at}.id", f"{m.kind_of(source['id'])} is no field", 'a field, or "" in a loop')
        return m.TypedHop(_name(source["type"], f"{at}.type", "a resource type"), source["id"])


def _name(value: Any, at: str, allowed: str) -> str:
    if not isinstance(value, str) or not value:
        _fail(
            at,
            "an empty text" if value == "" else f"{m.kind_of(value)} where a name is due",
            allowed,
        )
    return value


def _list(value: Any, at: str, allowed: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        _fail(at, f"{m.kind_of(value)} is not a list with something in it", allowed)
    return value
