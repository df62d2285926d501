"""Rendering Jinja2 text that nobody here wrote: sandboxed, and bounded in work and size."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from esi_flows.compiler import guard
from esi_flows.compiler.budget import MAX_BUILT, Budget, CostsTooMuch, size_of
from esi_flows.compiler.patterns import matches_start
from esi_flows.model.errors import Finding, Spot, TemplateError

MAX_SOURCE = 256 * 1024
"""Characters a template may have."""

MAX_RANGE = 10_000
"""Items a ``range`` may have."""

_MAX_NUMBER = 2**63


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FILTERS = _words(
    "abs count d default first float int last length list lower map max min reject rejectattr "
    "select selectattr sort string trim unique upper"
)
"""Those of Jinja2's own filters whose result is no bigger than what they are given."""

_METHODS: dict[type, frozenset[str]] = {
    str: _words(
        "capitalize endswith isdigit lower lstrip rsplit rstrip split splitlines startswith strip "
        "title upper"
    ),
    dict: _words("get items keys values"),
    LoopContext: _words(
        "changed cycle depth depth0 first index index0 last length nextitem previtem revindex "
        "revindex0"
    ),
}
"""Attributes of Python objects that a template may use."""

_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    jinja2.TemplateError,
)
"""What compiling or running a template can raise."""


def render(template_id: str, text: str, values: Mapping[str, Any], *, max_size: int) -> str:
    """The text that a template becomes with ``values``, of at most ``max_size`` characters.

    Raises TemplateError where it is no template, uses what is not allowed, fails, or costs more
    than a rendering may. Unknown names are lenient, as recorded: they render as nothing.
    """
    try:
        compiled = _compiled(text)
        chunks, size = [], 0
        for chunk in compiled.generate({**values, guard.BUDGET: Budget()}):
            size += len(chunk)
            if size > max_size:
                raise CostsTooMuch(f"it renders to more than {max_size} characters")
            chunks.append(chunk)
    except _FAILURES as error:
        raise _failure(template_id, error) from error
    return "".join(chunks)


def check_template(template_id: str, text: str) -> None:
    """Raises TemplateError where ``text`` is no template, or says what templates may not."""
    try:
        _compiled(text)
    except _FAILURES as error:
        raise _failure(template_id, error) from error


def read_template(template_id: str, text: str) -> nodes.Template:
    """The syntax tree of a template that :func:`check_template` allows. Raises TemplateError."""
    check_template(template_id, text)
    return _ENVIRONMENT.parse(text)


@functools.lru_cache(maxsize=512)
def _compiled(text: str) -> jinja2.Template:
    if len(text) > MAX_SOURCE:
        raise CostsTooMuch(f"it has more than {MAX_SOURCE} characters")
    return _ENVIRONMENT.from_string(guard.guarded(_ENVIRONMENT.parse(text)))


def _failure(template_id: str, error: BaseException) -> TemplateError:
    """What went wrong with a template, and in which of its lines."""
    line, what = 0, str(error) or type(error).__name__
    if isinstance(error, jinja2.TemplateSyntaxError):
        line, what = error.lineno, error.message or what
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"template {template_id}" + (f", line {line}" if line else "")
    hint = ""
    if isinstance(error, jinja2.TemplateSyntaxError | SecurityError):
        filters = ", ".join(sorted(name for name in _ENVIRONMENT.filters if " " not in name))
        hint = f"templates have for, if, set and expressions; filters: {filters}"
    found = Finding(where, what, hint, spot=Spot(template_id, line))
    return TemplateError(f"{where}: {what}", findings=[found], hint=hint)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with an allow list instead of a deny list."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__()
        self.globals = {"range": _range}
        self.filters = {name: FILTERS[name] for name in _FILTERS}
        self.filters.update(guard.FILTERS)
        self.filters.update(join=_join, match=_match, replace=_replace, tojson=_to_json)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr in _METHODS.get(type(obj), ())

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member of a value goes before what Python calls so, where a template may not use it."""
        if isinstance(obj, dict) and attribute in obj and attribute not in _METHODS[dict]:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def unsafe_undefined(self, obj: Any, attribute: str) -> jinja2.Undefined:
        """Unknown names are nothing, forbidden ones are an error."""
        raise SecurityError(f"{attribute!r} of a {type(obj).__name__} is not allowed")

    def wrap_str_format(self, value: Any) -> None:
        """Formatting, which could pad a text to any length, is a method like others."""

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        guard.budget_of(__context).spend(1)
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, jinja2.Undefined) or isinstance(right, jinja2.Undefined):
            return self.binop_table[operator](left, right)
        if isinstance(left, int | float) and isinstance(right, int | float):
            if operator == "**" and (abs(left) > _MAX_NUMBER or abs(right) > 64):
                raise CostsTooMuch("a power is too big")
            return _small(self.binop_table[operator](left, right))
        if operator != "+":
            raise TypeError(f"{operator} is for numbers only")
        result = left + right
        guard.budget_of(context).spend(size_of(result, MAX_BUILT))
        return result


def _small(number: Any) -> Any:
    if isinstance(number, int) and abs(number) >= _MAX_NUMBER:
        raise CostsTooMuch("a number is too big")
    return number


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise CostsTooMuch(f"a range has more than {MAX_RANGE} items")
    return numbers


def _match(value: Any, pattern: str) -> bool:
    """Whether the pattern matches at the start of the text, as recorded."""
    return isinstance(value, str) and matches_start(pattern, value)


def _replace(value: Any, old: Any, new: Any, count: int = -1) -> str:
    text, old, new = str(value), str(old), str(new)
    if len(text) + text.count(old) * len(new) > MAX_BUILT:
        raise CostsTooMuch("replacing makes a text too big")
    return text.replace(old, new, count)


def _join(values: Iterable[Any], separator: Any = "") -> str:
    texts, between = [str(value) for value in values], str(separator)
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_BUILT:
        raise CostsTooMuch("joining makes a text too big")
    return between.join(texts)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_ENVIRONMENT = _Environment()
