"""The text form of mappings: a letter that tells the form, then names and separators."""

from __future__ import annotations

from esi_flows.compiler import mapping as m

_FORMS = (
    "Ctext, Pfield, Vauto_filled, Ofield:field, Ftype+field:...:field, Mtype:field:output "
    "or Apart&part"
)


class Unreadable(Exception):
    """A mapping cannot be read: where in it, what is wrong there, and what is allowed."""

    def __init__(self, where: str, what: str, allowed: str) -> None:
        super().__init__(what)
        self.where, self.what, self.allowed = where, what, allowed


def parse_text(text: str, start: int = 0) -> m.TextForm:
    """Read one mapping in text form, beginning at ``start`` of a longer one. Raises Unreadable."""
    rest = text[1:]
    match text[:1]:
        case "C":
            return m.Constant(rest)
        case "P":
            return m.Property(_name(rest, start + 1, "Pfield"))
        case "V":
            return _version(rest, start + 1)
        case "O":
            return m.Nested(_names(rest, start + 1, "Ofield:field"))
        case "F":
            return _path(rest, start + 1)
        case "M":
            return _output(rest, start + 1)
        case "A":
            return _join(rest, start + 1)
        case "":
            raise _fail(start, "an empty text is no mapping", _FORMS)
        case letter:
            raise _fail(start, f"{letter!r} begins no form of mapping", _FORMS)


def _version(rest: str, start: int) -> m.Version:
    if rest != "auto_filled":
        raise _fail(start, f"{rest!r} is no version", "Vauto_filled")
    return m.Version()


def _path(rest: str, start: int) -> m.Path:
    form = "Ftype+field:...:field"
    *steps, field = rest.split(":")
    if not steps:
        raise _fail(start, "there is no step before the field", form)
    hops, position = [], start
    for step in steps:
        type_name, plus, pointer = step.partition("+")
        if not plus:
            raise _fail(position, f"the step {step!r} has no +", form)
        _name(type_name, position, form)
        _name(pointer, position + len(type_name) + 1, form)
        hops.append(m.TypedHop(type_name, pointer))
        position += len(step) + 1
    return m.Path(tuple(hops), _name(field, position, form))


def _output(rest: str, start: int) -> m.Output:
    form = "Mtype:field:output"
    names = _names(rest, start, form)
    if len(names) != 3:
        raise _fail(start, f"there are {len(names)} names where three are due", form)
    return m.Output(*names)


def _join(rest: str, start: int) -> m.TextJoin:
    parts, position = [], start
    for part in rest.split("&"):
        # a join as part of a join is the longer join: the sign cannot tell which one it divides
        inner = part.lstrip("A")
        parts.append(parse_text(inner, position + len(part) - len(inner)))
        position += len(part) + 1
    return m.TextJoin(tuple(parts))


def _names(rest: str, start: int, form: str) -> tuple[str, ...]:
    names, position = rest.split(":"), start
    for name in names:
        _name(name, position, form)
        position += len(name) + 1
    return tuple(names)


def _name(name: str, position: int, form: str) -> str:
    if not name:
        raise _fail(position, "a name is missing", form)
    return name


def _fail(position: int, what: str, allowed: str) -> Unreadable:
    return Unreadable(f"character {position + 1}", what, allowed)
